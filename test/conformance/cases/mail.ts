/** Mail, as who operates the server sees it; nothing is sent here. */

import { asAdmin, type Case, failed, invalid, type Step, several } from './case.ts'

/** Addresses of links are the same on each wire's server. */
const settings = {
  MAIL_FROM: 'Septet <no-reply@septet.example>',
  SMTP_URL: 'smtp://127.0.0.1:9',
  MAIL_PRODUCT: 'Seven',
  PUBLIC_URL: 'https://api.septet.example',
}

function admin(operationId: string, input: object, expect: object): Step {
  return { operationId, input: input as NonNullable<Step['input']>, headers: asAdmin, expect }
}

const cases: readonly Case[] = [
  several(
    'messages as they would be sent',
    admin(
      'previewMessage',
      { kind: 'welcome' },
      { value: { subject: 'Welcome to Seven', html: /^<!doctype html>/, text: /^Hello Fatima,\n/ } },
    ),
    admin('previewMessage', { kind: 'welcome', locale: 'de-AT' }, { value: { text: /^Guten Tag Fatima,\n/ } }),
    admin('previewMessage', { kind: 'welcome', locale: 'ar' }, { value: { html: /dir="rtl"/ } }),
    admin('previewMessage', { kind: 'farewell' }, invalid('/kind')),
    admin('previewMessage', { kind: 'welcome', locale: 'xx' }, { value: { subject: 'Welcome to Seven' } }),
    admin('previewMessage', { kind: 'welcome', locale: 'not a language' }, invalid('/locale')),
    { operationId: 'previewMessage', input: { kind: 'welcome' }, expect: failed('unauthenticated', 401) },
  ),
  several(
    'addresses that are not written to',
    admin('listSuppressions', {}, { value: { items: [] } }),
    admin('listSuppressions', { address: 'Nobody@Example.com', limit: 1 }, { value: { items: [] } }),
    admin('listSuppressions', { address: 'nobody' }, invalid('/address')),
    admin('deleteSuppression', { id: 1 }, failed('not-found', 404)),
    { operationId: 'listSuppressions', expect: failed('unauthenticated', 401) },
    { operationId: 'deleteSuppression', input: { id: 1 }, expect: failed('unauthenticated', 401) },
  ),
]

export const mailCases: readonly Case[] = cases.map((each) => ({ ...each, settings }))
