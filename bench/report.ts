/** Figures as aligned text. */

export const count = (value: number) => Math.round(value).toLocaleString('en')
export const factor = (value: number) => value.toFixed(2)

/** Whether a figure reaches its bar; nothing where there is no bar. */
export function atLeast(value: number, bar: number | undefined): string {
  return bar === undefined ? '' : value >= bar ? 'pass' : 'short'
}

export function atMost(value: number, bar: number): string {
  return value <= bar ? 'pass' : 'short'
}

/** A table under its title: the first column to the left, figures to the right. */
export function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    widths
      .map((width, column) => (column === 0 ? (cells[0] ?? '').padEnd(width) : (cells[column] ?? '').padStart(width)))
      .join('  ')
      .trimEnd()
  return `\n${[title, line(head), ...rows.map(line)].join('\n')}\n`
}

/** Says on standard error what is being measured, so that standard output is the report alone. */
export function progress(what: string): void {
  process.stderr.write(`… ${what}\n`)
}
