-- Tells the access log whom a sticky draw takes a request to be from: a hash of the header's value,
-- since the value itself may be personal data. The route says which header and salt, so this comes
-- after inspection. The draw is Envoy's own hash policy.
local function fnv1a_64(text)
  local hash = 14695981039346656037ULL
  for i = 1, #text do
    hash = bit.bxor(hash, text:byte(i)) * 1099511628211ULL
  end
  return bit.tohex(hash, 16)
end

local function tell_unit(handle)
  local sticky = handle:metadata():get("sticky")
  local value = sticky and handle:headers():get(sticky.header)
  if value then
    local unit = fnv1a_64(value .. "|" .. sticky.salt)
    handle:streamInfo():dynamicMetadata():set("@UNIT_NAMESPACE@", "@UNIT_KEY@", unit)
  end
end
