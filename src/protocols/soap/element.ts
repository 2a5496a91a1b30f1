/** Elements of a document that has been read, and how to point at them. */

import { pointerTo } from '../../contract/pointer.ts'

export interface XmlName {
  uri: string
  local: string
}

export interface XmlAttribute extends XmlName {
  value: string
}

export interface XmlElement extends XmlName {
  parent: XmlElement | undefined
  /** Without declarations of namespaces. */
  attributes: readonly XmlAttribute[]
  children: XmlElement[]
  /** All of its text, comments left out and CDATA sections joined. */
  text: string
  /** What `xsi:type` names. */
  type: XmlName | undefined
}

/** Envelope, Body and the wrapper: what is below has a pointer. */
const levelsAbove = 3

/** An RFC 6901 pointer into the input, to an element below the wrapper; lists count their items. */
export function pointerOf(element: XmlElement | undefined): string {
  const path: XmlElement[] = []
  for (let each = element; each !== undefined; each = each.parent) path.unshift(each)
  return path
    .slice(levelsAbove)
    .map((each) => pointerTo(each.local) + placeOf(each))
    .join('')
}

/** Which of several alike it is; nothing where it is the only one. It looks no further than it must: there may be many. */
function placeOf(element: XmlElement): string {
  let before = 0
  let isPast = false
  for (const each of element.parent?.children ?? []) {
    if (each === element) {
      if (before > 0) break
      isPast = true
    } else if (each.local === element.local) {
      if (isPast) return '/0'
      before += 1
    }
  }
  return before > 0 ? `/${before}` : ''
}
