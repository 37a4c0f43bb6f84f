-- Upstream filter of one track's cluster: a call that leaves the choice of a version to the
-- gateway gets this track's label in its path.
local LABEL = "@LABEL@"

function envoy_on_request(handle)
  local headers = handle:headers()
  local path = headers:get(":path") or ""
  local model, rest = path:match("^(/v1/models/[^/:?]+)(:.*)$")
  if not model then
    model, rest = path:match("^(/v1/models/[^/:?]+)(/metadata.*)$")
  end
  if model then
    headers:replace(":path", model .. "/labels/" .. LABEL .. rest)
  end
end
