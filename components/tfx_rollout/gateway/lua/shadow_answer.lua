-- Shadow clusters only: their answers are dropped, so a gRPC failure is made an HTTP code, which
-- Envoy counts per cluster. Servers send errors of unary calls as headers only.
local HTTP = {
  ["0"] = "200", ["1"] = "499", ["3"] = "400", ["4"] = "504", ["5"] = "404", ["7"] = "403", ["8"] = "429",
  ["9"] = "400", ["11"] = "400", ["12"] = "501", ["14"] = "503", ["16"] = "401",
}

function envoy_on_response(handle)
  local status = handle:headers():get("grpc-status")
  if status and status ~= "0" then
    handle:headers():replace(":status", HTTP[status] or "500")
  end
end
