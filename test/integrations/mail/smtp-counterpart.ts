/** A real SMTP server on loopback, and the messages that it took, parsed as mail programs parse them. */

import type { Socket } from 'node:net'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server'
import type { Test } from 'tap'

export interface Taken {
  from: string
  to: string[]
  raw: Buffer
  mail: ParsedMail
  /** Whether it came over TLS, and by whom. */
  secure: boolean
  user: string | undefined
}

/** What a step of the dialogue answers with, in place of taking it. */
export interface Refusal {
  code: number
  text: string
}

export interface Counterpart {
  port: number
  taken: Taken[]
  /** Answered to RCPT by address, or to DATA; taken out again by who put it in. */
  refuse: { rcpt: Map<string, Refusal>; data: Refusal | undefined }
  /** Takes the next messages, and ends the connection in place of saying so. */
  losesAnswers: number
  /** Before a message is answered, in ms. */
  delay: number
  /** Says nothing to who names a recipient. */
  holdsRecipients: boolean
  /** How often somebody has named a recipient. */
  asked: number
  connections: number
  close(): Promise<void>
}

export async function openSmtp(t: Test, options: SMTPServerOptions = {}, port = 0): Promise<Counterpart> {
  const counterpart: Counterpart = {
    port,
    taken: [],
    refuse: { rcpt: new Map(), data: undefined },
    losesAnswers: 0,
    delay: 0,
    holdsRecipients: false,
    asked: 0,
    connections: 0,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  const sockets = new Set<Socket>()
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    authOptional: true,
    closeTimeout: 100,
    logger: false,
    ...options,
    onConnect(_session, done) {
      counterpart.connections += 1
      done()
    },
    onRcptTo({ address }, _session, done) {
      counterpart.asked += 1
      if (counterpart.holdsRecipients) return
      const refusal = counterpart.refuse.rcpt.get(address)
      done(refusal && failure(refusal))
    },
    onData(stream, session, done) {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', async () => {
        if (counterpart.refuse.data) return done(failure(counterpart.refuse.data))
        counterpart.taken.push(await takenOf(session, Buffer.concat(parts)))
        if (counterpart.losesAnswers > 0) {
          counterpart.losesAnswers -= 1
          for (const socket of sockets) socket.destroy()
        } else setTimeout(() => done(), counterpart.delay).unref()
      })
    },
  })
  // A client that goes away in the middle is one of the cases.
  server.on('error', () => {})
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.server.address()
  counterpart.port = typeof address === 'object' && address !== null ? address.port : port
  t.teardown(() => counterpart.close())
  return counterpart
}

async function takenOf(session: SMTPServerSession, raw: Buffer): Promise<Taken> {
  const { mailFrom, rcptTo } = session.envelope
  return {
    from: mailFrom === false ? '' : mailFrom.address,
    to: rcptTo.map(({ address }) => address),
    raw,
    mail: await simpleParser(raw),
    secure: session.secure === true,
    user: session.user,
  }
}

function failure({ code, text }: Refusal): Error {
  return Object.assign(new Error(text), { responseCode: code })
}
