import type { Words } from './words.ts'

const notYou =
  'Si ce n’était pas vous, demandez tout de suite un autre mot de passe : toute session ouverte sera fermée.'

export const french: Words = {
  direction: 'ltr',
  hello: (name) => (name === undefined ? 'Bonjour,' : `Bonjour ${name},`),
  messages: {
    welcome: ({ product }) => ({
      subject: `Bienvenue chez ${product}`,
      heading: 'Bienvenue',
      text: [
        `Votre adresse est confirmée et votre compte chez ${product} est prêt. Vous pouvez vous connecter maintenant.`,
      ],
    }),
    'verify-email': ({ product, until }) => ({
      subject: `Confirmez votre adresse pour ${product}`,
      heading: 'Confirmez votre adresse',
      text: [
        `Quelqu’un s’est inscrit chez ${product} avec cette adresse. Si c’était vous, ouvrez le lien et saisissez le mot de passe que vous avez choisi.`,
      ],
      button: 'Confirmer l’adresse',
      closing: [
        `Le lien est valable jusqu’au ${until}, une seule fois.`,
        'Si ce n’était pas vous, ne faites rien : sans votre mot de passe, personne ne peut utiliser le compte.',
      ],
    }),
    'sign-up-attempt': ({ product, at }) => ({
      subject: `Vous avez déjà un compte chez ${product}`,
      heading: 'Vous avez déjà un compte',
      text: [
        `Le ${at}, quelqu’un a voulu s’inscrire chez ${product} avec cette adresse, qui a déjà un compte. Rien n’a changé.`,
        'Si c’était vous, connectez-vous, ou demandez un autre mot de passe si vous avez oublié le vôtre. Si ce n’était pas vous, ne faites rien.',
      ],
    }),
    'reset-password': ({ product, until }) => ({
      subject: `Choisissez un autre mot de passe pour ${product}`,
      heading: 'Choisissez un autre mot de passe',
      text: [
        `Quelqu’un a demandé un autre mot de passe pour votre compte chez ${product}. Si c’était vous, ouvrez le lien.`,
      ],
      button: 'Choisir un mot de passe',
      closing: [
        `Le lien est valable jusqu’au ${until}, une seule fois.`,
        'Si ce n’était pas vous, ne faites rien : votre mot de passe reste tel qu’il est.',
      ],
    }),
    'password-changed': ({ product, at }) => ({
      subject: `Votre mot de passe pour ${product} a été changé`,
      heading: 'Votre mot de passe a été changé',
      text: [`Le mot de passe de votre compte chez ${product} a été changé le ${at}.`, notYou],
    }),
    'address-changed': ({ product, at }) => ({
      subject: `Votre adresse chez ${product} a été changée`,
      heading: 'Votre adresse a été changée',
      text: [
        `L’adresse électronique de votre compte chez ${product} a été changée le ${at}. Plus aucun message n’est envoyé à celle-ci.`,
        `Si vous ne l’avez pas voulu, adressez-vous aux responsables de ${product}.`,
      ],
    }),
    'identity-linked': ({ product, at }) => ({
      subject: `Une connexion a été liée à votre compte chez ${product}`,
      heading: 'Une connexion a été liée',
      text: [`Depuis le ${at}, votre compte chez ${product} s’ouvre avec une connexion de plus.`, notYou],
    }),
    'identity-unlinked': ({ product, at }) => ({
      subject: `Une connexion a été détachée de votre compte chez ${product}`,
      heading: 'Une connexion a été détachée',
      text: [`Depuis le ${at}, votre compte chez ${product} ne s’ouvre plus avec l’une de ses connexions.`, notYou],
    }),
    'session-ended': ({ product, at }) => ({
      subject: `Une session de votre compte chez ${product} a été fermée`,
      heading: 'Une session a été fermée',
      text: [
        `Le ${at}, une session de votre compte chez ${product} a été utilisée de deux endroits, comme si quelqu’un l’avait copiée. Elle a été fermée. Une application qui a perdu sa connexion peut donner la même impression.`,
        'Connectez-vous de nouveau. Si vous n’utilisez qu’un appareil, choisissez aussi un autre mot de passe.',
      ],
    }),
    'application-allowed': ({ product, at }) => ({
      subject: `Une application peut utiliser votre compte chez ${product}`,
      heading: 'Une application a été autorisée',
      text: [
        `Le ${at}, une application a été autorisée à utiliser votre compte chez ${product}. Ce qu’elle peut faire figurait sur la page qui le demandait.`,
        notYou,
      ],
    }),
  },
  orOpen: 'Si le bouton ne fait rien, ouvrez cette adresse :',
  because: (product) => `Vous recevez ce message parce que votre adresse appartient à un compte chez ${product}.`,
  unsubscribe: 'Se désabonner',
  page: {
    title: 'Se désabonner',
    ask: (product) =>
      `Ne plus recevoir de messages comme celui-ci de ${product} ? Ceux sur la sécurité de votre compte continueront d’arriver.`,
    button: 'Se désabonner',
    done: (product) => `C’est fait : ${product} ne vous envoie plus de messages comme celui-là.`,
    refused: 'Ce lien n’est pas complet. Ouvrez-le tel qu’il figure dans le message.',
  },
}
