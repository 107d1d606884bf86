-- SPDX-License-Identifier: MIT
-- For wrk: sixteen requests go out at once, and then their replies are awaited.
local depth, requests = 16, {}

init = function()
  for i = 1, depth do
    requests[i] = wrk.format("GET", "/health?" .. i)
  end
  requests = table.concat(requests)
end

request = function()
  return requests
end
