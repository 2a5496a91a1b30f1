/** The page of a call: who is there is seen. Loaded again, it takes the same place in the same room. */

import { Call } from '/rtc/call.js'

const element = (id) => document.getElementById(id)
const kept = 'call-room'
let call

element('join').addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem('call-token', element('token').value)
  join(element('room').value).catch((error) => say(error.message))
})
element('leave').addEventListener('click', () => call.leave())

// An app would keep what it signs in again with, and nothing here.
const token = () => sessionStorage.getItem('call-token')
const room = sessionStorage.getItem(kept)
if (room) join(room).catch((error) => say(error.message))

async function join(id) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } })
  const room = Number(id || (await create()))
  // Handed over for those who look from outside.
  call = new Call({ room, token, stream, configuration: policyOf(location.search) })
  globalThis.call = call
  call.addEventListener('joined', ({ detail: { member } }) => {
    element('videos').replaceChildren()
    show(member, stream, 'You').muted = true
    say(`In room ${room}`)
  })
  call.addEventListener('stream', ({ detail: { member, stream } }) => show(member, stream, `User ${member.userId}`))
  call.addEventListener('state', ({ detail: { member, state } }) => {
    const figure = element(member.id)
    if (figure) figure.dataset.state = state
  })
  call.addEventListener('left', ({ detail: { member } }) => element(member.id)?.remove())
  call.addEventListener('error', ({ detail: { error } }) => console.warn(error))
  call.addEventListener('closed', ({ detail: { reason } }) => {
    for (const track of stream.getTracks()) track.stop()
    element('videos').replaceChildren()
    inCall(false)
    sessionStorage.removeItem(kept)
    say(`Not in a call: ${reason}`)
  })
  try {
    await call.join()
  } catch (error) {
    for (const track of stream.getTracks()) track.stop()
    throw error
  }
  sessionStorage.setItem(kept, String(room))
  inCall(true)
}

function inCall(is) {
  element('leave').disabled = !is
  document.querySelector('button[type=submit]').disabled = is
}

async function create() {
  const headers = { authorization: `Bearer ${token()}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ name: 'Call', access: 'open' })
  const answer = await fetch('/rooms', { method: 'POST', headers, body })
  if (!answer.ok) throw new Error((await answer.json()).detail)
  return (await answer.json()).id
}

/** `/call?relay` sends everything through the TURN server. */
function policyOf(search) {
  return { iceTransportPolicy: search === '?relay' ? 'relay' : 'all' }
}

function show(member, stream, name) {
  element(member.id)?.remove()
  const figure = document.createElement('figure')
  const video = document.createElement('video')
  const caption = document.createElement('figcaption')
  Object.assign(figure, { id: member.id })
  Object.assign(video, { srcObject: stream, autoplay: true, playsInline: true })
  caption.textContent = name
  figure.append(video, caption)
  element('videos').append(figure)
  return video
}

function say(text) {
  element('status').textContent = text
}
