-- Asks for pages at a rate, as many people do who know nothing of each other.
--
--   wrk -t 1 -c CONNECTIONS -d SECONDS -s portal.lua URL -- RATE STATUS FILE
--
-- wrk by itself asks again as soon as it has an answer. Here the times of the requests are drawn beforehand, RATE a second with
-- exponential gaps, and a connection that is free takes the next one and waits for it. As long as connections are free, a slow
-- answer puts off no other request; those that left after their time all the same are counted as late.
--
-- FILE has a request a line, asked for by turns: method, path, cookie and body with a tab between. STATUS is what every answer
-- should have. The last line of the output is a JSON object; times in it are microseconds unless they are called seconds.
local ffi = require("ffi")

ffi.cdef [[
	typedef struct { long seconds; long nanoseconds; } otpost_time;
	int clock_gettime(int clock, otpost_time *now);
]]

local MONOTONIC = 1
-- Milliseconds until the first request: connections are made meanwhile.
local LEAD = 500

local moment = ffi.new("otpost_time")

local function now()
	ffi.C.clock_gettime(MONOTONIC, moment)
	return tonumber(moment.seconds) * 1000 + tonumber(moment.nanoseconds) / 1e6
end

local threads = {}

function setup(thread)
	table.insert(threads, thread)
end

function init(args)
	rate, expected = tonumber(args[1]), tonumber(args[2])
	requests, turn = {}, 0
	for line in io.lines(args[3]) do
		local method, path, cookie, body = line:match("^(%S+)\t(%S+)\t([^\t]*)\t(.*)$")
		local headers = { ["Host"] = wrk.headers["Host"] }
		if cookie ~= "" then
			headers["Cookie"] = cookie
		end
		if body ~= "" then
			headers["Content-Type"] = "application/x-www-form-urlencoded"
			headers["Sec-Fetch-Site"] = "same-origin"
		else
			body = nil
		end
		table.insert(requests, wrk.format(method, path, headers, body))
	end
	right, other, status, late = 0, 0, 0, 0
	math.randomseed(1)
	begun = now() + LEAD
	ended, due = begun, begun
end

function delay()
	local wait = due - now()
	due = due - math.log(1 - math.random()) * 1000 / rate
	if wait < 0 then
		late = late + 1
		return 0
	end
	return wait
end

function request()
	turn = turn % #requests + 1
	return requests[turn]
end

function response(code)
	if code == expected then
		right = right + 1
	else
		other, status = other + 1, code
	end
	ended = now()
end

function done(summary, latency)
	local thread, errors = threads[1], summary.errors
	io.write(string.format(
		'{"right":%d,"other":%d,"status":%d,"late":%d,"broken":%d,"timeouts":%d,"seconds":%.3f,'
			.. '"p50":%.0f,"p99":%.0f,"longest":%.0f,"generator_seconds":%.3f}\n',
		thread:get("right"), thread:get("other"), thread:get("status"), thread:get("late"),
		errors.connect + errors.read + errors.write, errors.timeout, (thread:get("ended") - thread:get("begun")) / 1000,
		latency:percentile(50), latency:percentile(99), latency.max, os.clock()))
end
