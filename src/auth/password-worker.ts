/** What runs on the thread that hashes passwords: one job after the other, each a message and its answer. */

import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { hashSync, verifySync } from '@node-rs/argon2'
import type { Answer, Job } from './password-thread.ts'

// On Linux this is the niceness of the calling thread alone; elsewhere it would be that of the whole process.
if (process.platform === 'linux') setPriority(10)

parentPort?.on('message', (job: Job) => parentPort?.postMessage(answer(job)))

function answer(job: Job): Answer {
  try {
    return { value: 'stored' in job ? verifySync(job.stored, job.password) : hashSync(job.password, job.parameters) }
  } catch (error) {
    return { error: String(error) }
  }
}
