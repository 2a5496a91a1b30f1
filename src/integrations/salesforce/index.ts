import type { Connector } from '../../connectors/connector.ts'
import { Contacts } from './contacts.ts'
import { Joint } from './joint.ts'
import { Limits } from './limits.ts'
import { OneWay } from './one-way.ts'
import { loadLibrary, Session } from './session.ts'
import { Settings, settingsOf } from './settings.ts'
import { Wire } from './wire.ts'

/** Users as contacts of Salesforce. */
const salesforce: Connector<typeof Settings> = {
  name: 'salesforce',
  title: 'Salesforce',
  description: 'Keeps a contact for each user, and takes what is changed there.',
  settings: Settings,
  types: ['user.created', 'user.updated', 'user.deleted'],
  concurrency: 4,
  async connect(given, { users }) {
    const settings = settingsOf(given)
    const limits = new Limits()
    const wire = new Wire(limits)
    const session = new Session(settings, await loadLibrary(), wire)
    const contacts = new Contacts(settings)
    const sync = new OneWay({ settings, session, contacts, users })
    const close = () => {
      session.close()
      return wire.close()
    }
    return new Joint({ limits, sync, close })
  },
}

export default salesforce
