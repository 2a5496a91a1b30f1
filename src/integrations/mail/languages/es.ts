import type { Words } from './words.ts'

const notYou = 'Si no ha sido usted, pida enseguida otra contraseña: así se cierran todas las sesiones abiertas.'

export const spanish: Words = {
  direction: 'ltr',
  hello: (name) => (name === undefined ? 'Hola:' : `Hola, ${name}:`),
  messages: {
    welcome: ({ product }) => ({
      subject: `Le damos la bienvenida a ${product}`,
      heading: 'Le damos la bienvenida',
      text: [`Su dirección está verificada y su cuenta en ${product} está lista. Ya puede iniciar sesión.`],
    }),
    'verify-email': ({ product, until }) => ({
      subject: `Verifique su dirección para ${product}`,
      heading: 'Verifique su dirección',
      text: [
        `Alguien se ha registrado en ${product} con esta dirección. Si ha sido usted, abra el enlace e introduzca la contraseña que eligió.`,
      ],
      button: 'Verificar la dirección',
      closing: [
        `El enlace vale hasta el ${until}, y una sola vez.`,
        'Si no ha sido usted, no haga nada: sin su contraseña nadie puede usar la cuenta.',
      ],
    }),
    'sign-up-attempt': ({ product, at }) => ({
      subject: `Ya tiene una cuenta en ${product}`,
      heading: 'Ya tiene una cuenta',
      text: [
        `El ${at} alguien quiso registrarse en ${product} con esta dirección, que ya tiene una cuenta. No ha cambiado nada.`,
        'Si ha sido usted, inicie sesión, o pida otra contraseña si ha olvidado la suya. Si no ha sido usted, no haga nada.',
      ],
    }),
    'reset-password': ({ product, until }) => ({
      subject: `Elija otra contraseña para ${product}`,
      heading: 'Elija otra contraseña',
      text: [`Alguien ha pedido otra contraseña para su cuenta en ${product}. Si ha sido usted, abra el enlace.`],
      button: 'Elegir una contraseña',
      closing: [
        `El enlace vale hasta el ${until}, y una sola vez.`,
        'Si no ha sido usted, no haga nada: su contraseña sigue siendo la misma.',
      ],
    }),
    'password-changed': ({ product, at }) => ({
      subject: `Se ha cambiado su contraseña de ${product}`,
      heading: 'Se ha cambiado su contraseña',
      text: [`La contraseña de su cuenta en ${product} se cambió el ${at}.`, notYou],
    }),
    'address-changed': ({ product, at }) => ({
      subject: `Se ha cambiado su dirección en ${product}`,
      heading: 'Se ha cambiado su dirección',
      text: [
        `La dirección de correo de su cuenta en ${product} se cambió el ${at}. A esta ya no llegan mensajes.`,
        `Si usted no lo quería, diríjase a los responsables de ${product}.`,
      ],
    }),
    'identity-linked': ({ product, at }) => ({
      subject: `Se ha vinculado un acceso a su cuenta en ${product}`,
      heading: 'Se ha vinculado un acceso',
      text: [`Desde el ${at} su cuenta en ${product} se puede usar con un acceso más.`, notYou],
    }),
    'identity-unlinked': ({ product, at }) => ({
      subject: `Se ha desvinculado un acceso de su cuenta en ${product}`,
      heading: 'Se ha desvinculado un acceso',
      text: [`Desde el ${at} su cuenta en ${product} ya no se puede usar con uno de sus accesos.`, notYou],
    }),
    'session-ended': ({ product, at }) => ({
      subject: `Se ha cerrado una sesión de su cuenta en ${product}`,
      heading: 'Se ha cerrado una sesión',
      text: [
        `El ${at} una sesión de su cuenta en ${product} se usó desde dos sitios, como si alguien la hubiera copiado. Se ha cerrado. Una aplicación que perdió la conexión puede parecer lo mismo.`,
        'Inicie sesión de nuevo. Si usa un solo dispositivo, elija también otra contraseña.',
      ],
    }),
    'application-allowed': ({ product, at }) => ({
      subject: `Una aplicación puede usar su cuenta en ${product}`,
      heading: 'Se ha autorizado una aplicación',
      text: [
        `El ${at} se permitió a una aplicación usar su cuenta en ${product}. Lo que puede hacer figuraba en la página que lo pedía.`,
        notYou,
      ],
    }),
  },
  orOpen: 'Si el botón no hace nada, abra esta dirección:',
  because: (product) => `Recibe este mensaje porque su dirección pertenece a una cuenta en ${product}.`,
  unsubscribe: 'Cancelar la suscripción',
  page: {
    title: 'Cancelar la suscripción',
    ask: (product) =>
      `¿No quiere más mensajes como este de ${product}? Los que tratan de la seguridad de su cuenta seguirán llegando.`,
    button: 'Cancelar la suscripción',
    done: (product) => `Hecho: ${product} no le enviará más mensajes como aquel.`,
    refused: 'Este enlace no está completo. Ábralo tal como está en el mensaje.',
  },
}
