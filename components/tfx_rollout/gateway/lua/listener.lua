-- Downstream filter: one script for all that is done to a request before its route is chosen.
function envoy_on_request(handle)
  ensure_request_id(handle)
  inspect(handle)
  tell_unit(handle)
end
