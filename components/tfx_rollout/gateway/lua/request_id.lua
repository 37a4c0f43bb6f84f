-- Keeps a client's own request id where it is 1 to 128 of [A-Za-z0-9._-], and makes a fresh one
-- otherwise. Envoy itself gives one only to a request that has none, and only before the filters run.
local ORIGIN = tostring({}):match("0x(%x+)") -- an address: another one in every worker and at every start
local made = 0

local function ensure_request_id(handle)
  local headers = handle:headers()
  local id = headers:get("@REQUEST_ID_HEADER@")
  if id and #id <= 128 and id:match("^[%w._-]+$") then
    return
  end
  made = made + 1
  local now = handle:timestampString(EnvoyTimestampResolution.MICROSECOND)
  headers:replace("@REQUEST_ID_HEADER@", string.format("%s-%s-%d", now, ORIGIN, made))
end
