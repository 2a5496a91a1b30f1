/** What every wire must do as REST does it: each case is a row, and a new resource adds a file of them. */

import { accessCases } from './cases/access.ts'
import { blogCases } from './cases/blog.ts'
import type { Case } from './cases/case.ts'
import { failureCases } from './cases/failures.ts'
import { shapeCases } from './cases/shapes.ts'
import { textCases } from './cases/text.ts'
import { userCases } from './cases/users.ts'

export const cases: readonly Case[] = [
  ...userCases,
  ...shapeCases,
  ...textCases,
  ...failureCases,
  ...accessCases,
  ...blogCases,
]
