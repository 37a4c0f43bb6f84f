-- Reads the model_spec of a gRPC message and tells the routes which model it names and whether
-- the client chose a version or a label. Walks the tags; tensors are not copied.
local KINDS = {
  ["PredictionService/Predict"] = "spec",
  ["PredictionService/Classify"] = "spec",
  ["PredictionService/Regress"] = "spec",
  ["PredictionService/GetModelMetadata"] = "spec",
  ["PredictionService/MultiInference"] = "tasks",
  ["ModelService/GetModelStatus"] = "spec",
}

local function buffer_varint(buffer, offset, length)
  local bytes = buffer:getBytes(offset, math.min(10, length - offset))
  local value, scale = 0, 1
  for i = 1, #bytes do
    local byte = bytes:byte(i)
    value = value + (byte % 128) * scale
    if byte < 128 then
      return value, offset + i
    end
    scale = scale * 128
  end
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

-- Calls `visit(number, bytes or nil)` for each field of a small message.
local function each_field(message, visit)
  local i = 1
  while i <= #message do
    local tag
    tag, i = varint(message, i)
    if not tag then
      return
    end
    local wire_type = tag % 8
    local number = (tag - wire_type) / 8
    if wire_type == 2 then
      local length
      length, i = varint(message, i)
      if not length then
        return
      end
      visit(number, message:sub(i, i + length - 1))
      i = i + length
    elseif wire_type == 0 then
      local _
      _, i = varint(message, i)
      if not i then
        return
      end
      visit(number, nil)
    elseif wire_type == 1 then
      i = i + 8
    elseif wire_type == 5 then
      i = i + 4
    else
      return
    end
  end
end

-- Arbitrary bytes have no place in a header; what is no name matches no model.
local function as_header(value)
  if #value <= 80 and value:match("^[%w_.:-]+$") then
    return value
  end
  return "?"
end

local function inspect(handle)
  local headers = handle:headers()
  -- A client has no say in what the routes are told.
  for _, own in ipairs({ "@MODEL_HEADER@", "@PIN_HEADER@" }) do
    if headers:get(own) then
      headers:remove(own)
    end
  end
  local kind = KINDS[(headers:get(":path") or ""):match("^/tensorflow%.serving%.(%w+/%w+)$") or ""]
  if not kind then
    return
  end
  local body = handle:body()
  if not body then
    return
  end
  local length = body:length()
  if length < 5 then
    return
  end
  if body:getBytes(0, 1):byte(1) ~= 0 then
    -- Cannot be labelled without unpacking; passed as it is, it would reach the latest version.
    handle:respond({
      [":status"] = "200",
      ["content-type"] = "application/grpc",
      ["grpc-status"] = "12",
      ["grpc-message"] = "This gateway does not take compressed messages; send them with grpc-encoding identity.",
      ["grpc-accept-encoding"] = "identity",
    })
    return
  end

  local name, pin = nil, nil
  local function read_spec(spec)
    each_field(spec, function(number, bytes)
      if number == 1 then
        name = bytes
      elseif number == 2 then
        -- google.protobuf.Int64Value; exact up to 2^53, and no field at all means 0.
        local _, start = varint(bytes or "", 1)
        local version = start and varint(bytes, start) or 0
        pin = string.format("version:%.0f", version)
      elseif number == 4 then
        pin = "label:" .. (bytes or "")
      end
    end)
  end
  local offset = 5
  while offset < length do
    local tag
    tag, offset = buffer_varint(body, offset, length)
    if not tag then
      break
    end
    local wire_type = tag % 8
    if wire_type == 2 then
      local size
      size, offset = buffer_varint(body, offset, length)
      if not size then
        break
      end
      if tag == 10 and offset + size <= length then
        local field = body:getBytes(offset, size)
        if kind == "spec" then
          read_spec(field)
        else
          each_field(field, function(number, bytes)
            if number == 1 and bytes then
              read_spec(bytes)
            end
          end)
        end
      end
      offset = offset + size
    elseif wire_type == 0 then
      local _
      _, offset = buffer_varint(body, offset, length)
      if not offset then
        break
      end
    elseif wire_type == 1 then
      offset = offset + 8
    elseif wire_type == 5 then
      offset = offset + 4
    else
      break
    end
  end

  headers = handle:headers() -- the object from before body() is dead after its yield
  if name and name ~= "" then
    headers:replace("@MODEL_HEADER@", as_header(name))
  end
  if pin then
    headers:replace("@PIN_HEADER@", as_header(pin))
  end
end
