-- Upstream filter of one track's cluster: prepends model_spec{version_label} to the first gRPC
-- message. Protobuf merges the two model_specs, and of a oneof the last one wins: what the
-- client chose itself stays. The lengths fit one byte, since a label has at most 64.
local LABEL = "@LABEL@"
local SPEC = "\34" .. string.char(#LABEL) .. LABEL -- ModelSpec.version_label = 4
local PREFIX = "\10" .. string.char(#SPEC) .. SPEC -- request.model_spec = 1
local ONE_SPEC = { Predict = true, Classify = true, Regress = true, GetModelMetadata = true }

local function to_u32(n)
  return string.char(math.floor(n / 16777216) % 256, math.floor(n / 65536) % 256, math.floor(n / 256) % 256, n % 256)
end

local function frame_length(s)
  local a, b, c, d = s:byte(2, 5)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function to_varint(n)
  local out = ""
  while n >= 128 do
    out = out .. string.char(n % 128 + 128)
    n = math.floor(n / 128)
  end
  return out .. string.char(n)
end

local function varint(s, i)
  local value, scale = 0, 1
  while true do
    local byte = s:byte(i)
    if not byte then
      return nil
    end
    value = value + (byte % 128) * scale
    i = i + 1
    if byte < 128 then
      return value, i
    end
    scale = scale * 128
  end
end

-- MultiInferenceRequest has no model_spec of its own: tasks = 1 (repeated InferenceTask{model_spec = 1}), input = 2.
local function label_every_task(message)
  local out, i = {}, 1
  while i <= #message do
    local start = i
    local tag
    tag, i = varint(message, i)
    if not tag then
      return nil
    end
    local wire_type = tag % 8
    if wire_type == 2 then
      local length
      length, i = varint(message, i)
      if not length then
        return nil
      end
      if tag == 10 then
        out[#out + 1] = "\10" .. to_varint(length + #PREFIX) .. PREFIX .. message:sub(i, i + length - 1)
      else
        out[#out + 1] = message:sub(start, i + length - 1)
      end
      i = i + length
    elseif wire_type == 0 then
      local _
      _, i = varint(message, i)
      if not i then
        return nil
      end
      out[#out + 1] = message:sub(start, i - 1)
    elseif wire_type == 1 or wire_type == 5 then
      i = i + (wire_type == 1 and 8 or 4)
      out[#out + 1] = message:sub(start, i - 1)
    else
      return nil
    end
  end
  return table.concat(out)
end

local function label_multi_inference(handle)
  local body = handle:body()
  if not body then
    return
  end
  local framed = body:getBytes(0, body:length())
  if #framed < 5 or framed:byte(1) ~= 0 then
    return
  end
  local message = label_every_task(framed:sub(6))
  if message then
    body:setBytes("\0" .. to_u32(#message) .. message)
  end
  -- setBytes() set it again, and a headers object from before body() is dead after its yield.
  handle:headers():remove("content-length")
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local method = (headers:get(":path") or ""):match("^/tensorflow%.serving%.PredictionService/(%w+)$")
  if method ~= "MultiInference" and not ONE_SPEC[method or ""] then
    return
  end
  -- Some clients send it, and the body is about to grow.
  headers:remove("content-length")
  if method == "MultiInference" then
    label_multi_inference(handle)
    return
  end
  local held = ""
  for chunk in handle:bodyChunks() do
    local size = chunk:length()
    if size > 0 then
      local bytes = held .. chunk:getBytes(0, size)
      if #bytes < 5 then
        -- The frame's header may be split over HTTP/2 frames.
        held = bytes
        chunk:setBytes("")
      else
        if bytes:byte(1) == 0 then
          chunk:setBytes("\0" .. to_u32(frame_length(bytes) + #PREFIX) .. PREFIX .. bytes:sub(6))
        elseif held ~= "" then
          chunk:setBytes(bytes)
        end
        return -- what follows the frame's header streams through untouched, outside of Lua
      end
    end
  end
end
