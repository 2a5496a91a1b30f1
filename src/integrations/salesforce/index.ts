import type { Connector, ConnectorHost, UserRecords } from '../../connectors/connector.ts'
import { BackFill } from './back-fill.ts'
import { Contacts } from './contacts.ts'
import { Jobs } from './jobs.ts'
import { Joint } from './joint.ts'
import { Limits } from './limits.ts'
import { linkMigrations } from './link-sql.ts'
import { Links } from './links.ts'
import { OneWay } from './one-way.ts'
import { OneWayPages } from './one-way-page.ts'
import { Report } from './report.ts'
import { loadLibrary, Session } from './session.ts'
import { type SalesforceSettings, Settings, settingsOf } from './settings.ts'
import { TwoWay } from './two-way.ts'
import { TwoWayPages } from './two-way-page.ts'
import { Users } from './users.ts'

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
  async connect(given, host) {
    const { storage, users } = host
    const settings = settingsOf(given)
    const { engine } = storage
    const limits = new Limits()
    const { Wire } = await import('./wire.ts')
    const wire = new Wire(limits)
    const session = new Session(settings, await loadLibrary(), wire)
    const contacts = new Contacts(settings)
    const links = new Links(engine)
    const jobs = new Jobs(settings, engine, links.sql)
    const shared = { settings, session, contacts, links, jobs }
    const { sync, pages } = settings.secret === undefined ? oneWay(shared, users) : twoWay(shared, host)
    const backFill = new BackFill({ session, limits, sync, pages, jobs })
    const close = () => {
      session.close()
      return wire.close()
    }
    return new Joint({ settings, users, limits, sync, backFill, close })
  },
}

interface Shared {
  settings: SalesforceSettings
  session: Session
  contacts: Contacts
  links: Links
  jobs: Jobs
}

function oneWay(shared: Shared, users: UserRecords) {
  return { sync: new OneWay({ ...shared, users }), pages: new OneWayPages({ ...shared, users }) }
}

function twoWay(shared: Shared, { storage, users: records, log, audit }: ConnectorHost) {
  const users = new Users(storage, shared.links, audit)
  const parts = { ...shared, users, report: new Report(shared.settings, log) }
  return { sync: new TwoWay(parts), pages: new TwoWayPages({ ...parts, records }) }
}

export default salesforce
