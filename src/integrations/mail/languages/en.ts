import type { Words } from './words.ts'

const notYou = 'If it was not you, ask for another password at once: that signs out whoever is signed in.'

export const english: Words = {
  direction: 'ltr',
  hello: (name) => (name === undefined ? 'Hello,' : `Hello ${name},`),
  messages: {
    welcome: ({ product }) => ({
      subject: `Welcome to ${product}`,
      heading: 'Welcome',
      text: [`Your address is verified, and your account at ${product} is ready. You can sign in now.`],
    }),
    'verify-email': ({ product, until }) => ({
      subject: `Verify your address for ${product}`,
      heading: 'Verify your address',
      text: [
        `Somebody has signed up at ${product} with this address. If it was you, open the link and enter the password that you chose.`,
      ],
      button: 'Verify the address',
      closing: [
        `The link works once, until ${until}.`,
        'If it was not you, do nothing: without your password nobody can use the account.',
      ],
    }),
    'sign-up-attempt': ({ product, at }) => ({
      subject: `You have an account at ${product} already`,
      heading: 'You have an account already',
      text: [
        `On ${at} somebody tried to sign up at ${product} with this address, which has an account. Nothing has changed.`,
        'If it was you, sign in instead, or ask for another password if you have forgotten yours. If it was not you, do nothing.',
      ],
    }),
    'reset-password': ({ product, until }) => ({
      subject: `Choose another password for ${product}`,
      heading: 'Choose another password',
      text: [`Somebody has asked for another password for your account at ${product}. If it was you, open the link.`],
      button: 'Choose a password',
      closing: [`The link works once, until ${until}.`, 'If it was not you, do nothing: your password stays as it is.'],
    }),
    'password-changed': ({ product, at }) => ({
      subject: `Your password for ${product} was changed`,
      heading: 'Your password was changed',
      text: [`The password of your account at ${product} was changed on ${at}.`, notYou],
    }),
    'address-changed': ({ product, at }) => ({
      subject: `Your address at ${product} was changed`,
      heading: 'Your address was changed',
      text: [
        `The e-mail address of your account at ${product} was changed on ${at}. Messages no longer go to this one.`,
        `If you did not want that, tell those who run ${product}.`,
      ],
    }),
    'identity-linked': ({ product, at }) => ({
      subject: `A login was linked to your account at ${product}`,
      heading: 'A login was linked',
      text: [`Since ${at} your account at ${product} can be used with one more login.`, notYou],
    }),
    'identity-unlinked': ({ product, at }) => ({
      subject: `A login was unlinked from your account at ${product}`,
      heading: 'A login was unlinked',
      text: [`Since ${at} your account at ${product} can no longer be used with one of its logins.`, notYou],
    }),
    'session-ended': ({ product, at }) => ({
      subject: `A session of your account at ${product} was ended`,
      heading: 'A session was ended',
      text: [
        `On ${at} a session of your account at ${product} was used from two places, as if somebody had copied it. It was ended. An application that has lost its connection can look like that, too.`,
        'Sign in again. If you use one device alone, choose another password, too.',
      ],
    }),
    'application-allowed': ({ product, at }) => ({
      subject: `An application may use your account at ${product}`,
      heading: 'An application was let in',
      text: [
        `On ${at} an application was allowed to use your account at ${product}. What it may do stood on the page that asked.`,
        notYou,
      ],
    }),
  },
  orOpen: 'If the button does nothing, open this address:',
  because: (product) => `You get this message because your address belongs to an account at ${product}.`,
  unsubscribe: 'Unsubscribe',
  page: {
    title: 'Unsubscribe',
    ask: (product) =>
      `No more messages like this one from ${product}? Messages about the security of your account still come.`,
    button: 'Unsubscribe',
    done: (product) => `You are unsubscribed: ${product} sends you no more messages like that one.`,
    refused: 'This link is not complete. Open it as it stands in the message.',
  },
}
