/** A private key made for this file: documents of all that the server can serve are written with it. It opens nothing. */
export const exampleKey = [
  'MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDcX/ydrtjkGZ8wB1+9c0pefkE/47uzvGgYo4aoPN1xXGknnlXIbB2lOe2r',
  'BYCidNbiPBkezZrd4o3G71qiuF+B1O1YUhAhNmyLtXVBhQuhwJLvPA810TX4+2uzppHMJW8nNtC6ju/KtZMIHf/5h6HDjEnU7vd1JsB+pKTo',
  'rxxz5kr1R82+wnx/PJg3qWbHHJlZGu/fy57WDTEC8KooZ3FMIavRX7MNN5YyOc1O2OG60V8BQO81+twjiMnxnDVlg0xD3OqqLnV6UU1ggGfc',
  'YxfCD8jokA7FxDGkqofXG4Rblw2n0KSvAJAWetEqkvmEkR8DA7rb/sza0BGMCSV7sdxpAgMBAAECggEAA286B0WWMwDcuKGGyhOxxyT51Jpy',
  'no+bQjYLN1RCgb2mVGQc82OO9zgexn1ulqmSP0KfRBoBdb+OBNmOXK6Zq3Lzc37M6k2YNbmxXwDpMF9JUvHpTUYKTKvzbuBz0X4MXEy4Bk5L',
  'uamohdX82ylUWbE2JdvHDsP4uEiN2uP+wiYfYb2xzyS/Kuwh7Suc1G17qP3wJhvy8YfaR4sLguJd/51mtRGCAeZqZow4R2sOpOAWlytAHa5K',
  'zH7Cv1paK0DE+h/kcJ/62bgqFZs9oShQjhS77yoq2aNsqia3QrN+S24VilE4M0c5N5nwEOo0IX02PHbQp+S9f5Y8rNs4NIo80QKBgQDwmduL',
  'lLaAm97oUdr2pt7S2RmjUs77jSGyAEeBpgqsRF/oxEweklPUAEuj81zMxb/yQK+xtIS1nXxKDwFG+h+FckLU+E765FgSkfqZVzuAhQY7uKK/',
  'mFvU7VRY4g3wLnZgaarqcczz9HUOEqJOmmssMs9p2zb+eosMrjQO7lcA0QKBgQDqervrO1vEVBRxgXoYxFVwaRv9DcrnRtct1A3PFDRB8uJ7',
  '6FWzBNM0FwTLTO0DFafxt11hPU9OVckEEhO0Rn+CS2piQwPcCSvgmf6GpH+7e4AJ+EpLP0KAefWNMDQlwZHZaXGC2P65uKax/iZ7TpHrP/pj',
  'T3IVCbUlrWQIa3hIGQKBgQDp8fCTrCo4q1b3NoBeTKtlAUv4jtBLsFMPLU5aNgUys9k+D4CkSUvRW+gwprWZNr8I4vTzKb/QiC0OJcDsLtDv',
  'hMaPJlJFijpI9EBjUXq94JrK/yDgg1jnlUzqkANVgxf/bz+NbtIGc7BN2riPDX8gHtem6kxy7Ny/m7NqwT0/wQKBgQC7WyJ4jU+ACmbjYz+6',
  'NnbGgVYZ10F/lz0sozn9cvlmkLqjozuG9Z4FCzeLcoYXZuBw5cE5h5Gs2CLsm70e2Q3dgIEazs1wretfZezYjOx7U+01Ci3i/kMXAVxRWmjw',
  'mkD95aELmnO+1mpr4tXAxUEXJmHdpIdVhBI4btl1WNodUQKBgAu3d3YrQ0L1XQxbLNrMIETnGNsadN5dA0JzswBeqACIHiHB+DQq4wIvQPaj',
  'Mfjhj113vVPcFdhUaVWvUxfZU2+RI1r2wjXbIV/jr9LwOhs+Lrlomp7zh9k1zDUo/kr+pMAhAUG7p0FnOGkUEMLKKbUh2gkr1NWJaXgwf2c6',
  'Nl7q',
].join('')
