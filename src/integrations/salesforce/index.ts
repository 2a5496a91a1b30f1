import type { Connector } from '../../connectors/connector.ts'
import { BackFill } from './back-fill.ts'
import { Contacts } from './contacts.ts'
import { Joint } from './joint.ts'
import { Limits } from './limits.ts'
import { linkMigrations } from './link-sql.ts'
import { Links } from './links.ts'
import { OneWay } from './one-way.ts'
import { loadLibrary, Session } from './session.ts'
import { Settings, settingsOf } from './settings.ts'
import { TwoWay } from './two-way.ts'
import { Users } from './users.ts'
import { Wire } from './wire.ts'

/** Users as contacts of Salesforce. */
const salesforce: Connector<typeof Settings> = {
  name: 'salesforce',
  title: 'Salesforce',
  description: 'Keeps a contact for each user, and takes over what is changed there.',
  settings: Settings,
  types: ['user.created', 'user.updated', 'user.deleted'],
  migrations: linkMigrations,
  // Salesforce has 25 places for what takes long.
  concurrency: 4,
  async connect(given, { storage, users, log }) {
    const settings = settingsOf(given)
    const { engine } = storage
    const limits = new Limits()
    const wire = new Wire(limits)
    const session = new Session(settings, await loadLibrary(), wire)
    const contacts = new Contacts(settings)
    const links = new Links(engine)
    const shared = { settings, session, contacts }
    const sync =
      settings.secret === undefined
        ? new OneWay({ ...shared, users })
        : new TwoWay({ ...shared, users: new Users(storage, links), links, log })
    const backFill = new BackFill({ settings, session, users, sync, links, engine })
    const close = () => {
      session.close()
      return wire.close()
    }
    return new Joint({ settings, users, limits, sync, backFill, close })
  },
}

export default salesforce
