/** Whether work ends within a time (ms). */
export async function within(milliseconds: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false)
  })
  const ended = await Promise.race([work.then(() => true), over])
  clearTimeout(timer)
  return ended
}
