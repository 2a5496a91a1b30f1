/** CSV as Bulk API 2.0 takes and gives it (RFC 4180, with LF). jsforce's reader takes `;`, `|` and others for commas too. */

export function writeCsv(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${[header, ...rows].map((cells) => cells.map(quoted).join(',')).join('\n')}\n`
}

/** Rows by the names of the header. */
export function readCsv(text: string): Record<string, string>[] {
  const [header = [], ...rows] = cellsOf(text)
  return rows.map((cells) => Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ''])))
}

function quoted(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

function cellsOf(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (let at = 0; at < text.length; ) {
    const [cell, end] = text[at] === '"' ? quotedCell(text, at) : bareCell(text, at)
    row.push(cell)
    const isNext = text[end] === ','
    at = text.startsWith('\r\n', end) ? end + 2 : end + 1
    if (isNext && at < text.length) continue
    if (isNext) row.push('')
    rows.push(row)
    row = []
  }
  return rows
}

function quotedCell(text: string, start: number): [cell: string, end: number] {
  let end = start + 1
  while (end < text.length && (text[end] !== '"' || text[end + 1] === '"')) end += text[end] === '"' ? 2 : 1
  return [text.slice(start + 1, end).replaceAll('""', '"'), end + 1]
}

function bareCell(text: string, start: number): [cell: string, end: number] {
  let end = start
  while (end < text.length && text[end] !== ',' && text[end] !== '\n' && text[end] !== '\r') end += 1
  return [text.slice(start, end), end]
}
