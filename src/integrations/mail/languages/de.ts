import type { Words } from './words.ts'

const notYou =
  'Waren Sie es nicht, fordern Sie sofort ein neues Passwort an: Damit wird abgemeldet, wer gerade angemeldet ist.'

export const german: Words = {
  direction: 'ltr',
  hello: (name) => (name === undefined ? 'Guten Tag,' : `Guten Tag ${name},`),
  messages: {
    welcome: ({ product }) => ({
      subject: `Willkommen bei ${product}`,
      heading: 'Willkommen',
      text: [`Ihre Adresse ist bestätigt, und Ihr Konto bei ${product} ist bereit. Sie können sich jetzt anmelden.`],
    }),
    'verify-email': ({ product, until }) => ({
      subject: `Bestätigen Sie Ihre Adresse für ${product}`,
      heading: 'Bestätigen Sie Ihre Adresse',
      text: [
        `Jemand hat sich bei ${product} mit dieser Adresse registriert. Waren Sie es, öffnen Sie den Link und geben Sie das Passwort ein, das Sie gewählt haben.`,
      ],
      button: 'Adresse bestätigen',
      closing: [
        `Der Link funktioniert einmal, bis ${until}.`,
        'Waren Sie es nicht, brauchen Sie nichts zu tun: Ohne Ihr Passwort kann niemand das Konto benutzen.',
      ],
    }),
    'sign-up-attempt': ({ product, at }) => ({
      subject: `Sie haben schon ein Konto bei ${product}`,
      heading: 'Sie haben schon ein Konto',
      text: [
        `Am ${at} wollte sich jemand bei ${product} mit dieser Adresse registrieren, die schon ein Konto hat. Geändert hat sich nichts.`,
        'Waren Sie es, melden Sie sich an, oder fordern Sie ein neues Passwort an, falls Sie Ihres vergessen haben. Waren Sie es nicht, brauchen Sie nichts zu tun.',
      ],
    }),
    'reset-password': ({ product, until }) => ({
      subject: `Wählen Sie ein neues Passwort für ${product}`,
      heading: 'Wählen Sie ein neues Passwort',
      text: [
        `Jemand hat für Ihr Konto bei ${product} ein neues Passwort angefordert. Waren Sie es, öffnen Sie den Link.`,
      ],
      button: 'Passwort wählen',
      closing: [
        `Der Link funktioniert einmal, bis ${until}.`,
        'Waren Sie es nicht, brauchen Sie nichts zu tun: Ihr Passwort bleibt, wie es ist.',
      ],
    }),
    'password-changed': ({ product, at }) => ({
      subject: `Ihr Passwort für ${product} wurde geändert`,
      heading: 'Ihr Passwort wurde geändert',
      text: [`Das Passwort Ihres Kontos bei ${product} wurde am ${at} geändert.`, notYou],
    }),
    'address-changed': ({ product, at }) => ({
      subject: `Ihre Adresse bei ${product} wurde geändert`,
      heading: 'Ihre Adresse wurde geändert',
      text: [
        `Die E-Mail-Adresse Ihres Kontos bei ${product} wurde am ${at} geändert. An diese hier gehen keine Nachrichten mehr.`,
        `Wollten Sie das nicht, wenden Sie sich an die Betreiber von ${product}.`,
      ],
    }),
    'identity-linked': ({ product, at }) => ({
      subject: `Ein Login wurde mit Ihrem Konto bei ${product} verknüpft`,
      heading: 'Ein Login wurde verknüpft',
      text: [`Seit dem ${at} lässt sich Ihr Konto bei ${product} mit einem weiteren Login benutzen.`, notYou],
    }),
    'identity-unlinked': ({ product, at }) => ({
      subject: `Ein Login wurde von Ihrem Konto bei ${product} getrennt`,
      heading: 'Ein Login wurde getrennt',
      text: [`Seit dem ${at} lässt sich Ihr Konto bei ${product} mit einem seiner Logins nicht mehr benutzen.`, notYou],
    }),
    'session-ended': ({ product, at }) => ({
      subject: `Eine Sitzung Ihres Kontos bei ${product} wurde beendet`,
      heading: 'Eine Sitzung wurde beendet',
      text: [
        `Am ${at} wurde eine Sitzung Ihres Kontos bei ${product} von zwei Stellen benutzt, als hätte sie jemand kopiert. Sie wurde beendet. Auch eine Anwendung, deren Verbindung abgerissen ist, kann so aussehen.`,
        'Melden Sie sich neu an. Falls Sie nur ein Gerät benutzen, wählen Sie auch ein neues Passwort.',
      ],
    }),
    'application-allowed': ({ product, at }) => ({
      subject: `Eine Anwendung darf Ihr Konto bei ${product} benutzen`,
      heading: 'Eine Anwendung wurde zugelassen',
      text: [
        `Am ${at} wurde einer Anwendung erlaubt, Ihr Konto bei ${product} zu benutzen. Was sie darf, stand auf der Seite, die danach fragte.`,
        notYou,
      ],
    }),
  },
  orOpen: 'Falls sich nichts tut, öffnen Sie diese Adresse:',
  because: (product) => `Sie erhalten diese Nachricht, weil Ihre Adresse zu einem Konto bei ${product} gehört.`,
  unsubscribe: 'Abbestellen',
  page: {
    title: 'Abbestellen',
    ask: (product) =>
      `Keine Nachrichten dieser Art mehr von ${product}? Nachrichten zur Sicherheit Ihres Kontos kommen weiterhin.`,
    button: 'Abbestellen',
    done: (product) => `Abbestellt: ${product} schickt Ihnen keine Nachrichten dieser Art mehr.`,
    refused: 'Dieser Link ist nicht vollständig. Öffnen Sie ihn so, wie er in der Nachricht steht.',
  },
}
