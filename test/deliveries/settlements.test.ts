import { test } from 'tap'
import { Settlements } from '../../src/deliveries/settlements.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { temporaryFolder } from '../helper.ts'
import { countOf, raw } from '../storage/setup.ts'

test('what ends in one turn is written together, and what cannot be written holds back nothing else', async (t) => {
  const engine = openSqlite(temporaryFolder(t))
  t.teardown(() => engine.close())
  await engine.write([[raw('create table ended (number integer)'), {}]])
  const errors: unknown[] = []
  const settlements = new Settlements(engine, (error) => errors.push(error))
  const insert = raw('insert into ended (number) values (1)')
  await Promise.all([
    settlements.write([[insert, {}]]),
    settlements.write([[raw('insert into nowhere (number) values (1)'), {}]]),
    settlements.write([[insert, {}]]),
  ])
  t.equal(await countOf(engine, 'ended'), 2)
  t.equal(errors.length, 2, 'the group failed, and then one of it')
  await settlements.write([[insert, {}]])
  t.equal(await countOf(engine, 'ended'), 3)
})
