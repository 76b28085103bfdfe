-- SPDX-License-Identifier: MIT
--
-- mod_route_gateway: hands every stanza for a domain that this Prosody does not serve to a federation gateway, xfedd.
--
-- How this works. Prosody fires "route/remote" on the host that a stanza comes from when its destination is nobody here.
-- mod_s2s answers that event at priority -1 and -10; this module answers it at 0, on each host and on each component (a chat
-- room's component has no modules from the global modules_enabled, so a module loaded per host would miss its replies), and
-- writes the stanza to the XEP-0114 component of a gateway.
--
--   * mod_s2s never sees a stanza, whatever state the gateways are in: a broken gateway must not open a way around it.
--   * A gateway's own component is left out, or what it sends would come back to it in a loop.
--   * With several gateways, each of our users (and chat rooms) keeps to one of those that are connected. When a gateway goes,
--     only its users move, at once; they move back when it is back.
--   * What a gateway has not yet taken is kept. XEP-0114 has no acknowledgements, so now and then a ping follows the stanzas;
--     xfedd answers (with an error, as it has no users) once all that went before has been delivered or answered, and with an
--     error of the type `wait` after a while if it has not. When the connection ends, the rest goes over another gateway, messages with the stamp of XEP-0203; iq requests are answered with
--     an error, since nobody knows whether they have been carried out.
--   * A gateway that does not answer the ping in time is disconnected: it or the way to it is dead.
--   * A gateway that announces its end (unavailable presence to its own name) gets no new stanzas while there is another one.
--   * While no gateway is connected, stanzas wait for one for a moment. Then, and at once when none has been there for longer,
--     their senders get `wait` remote-server-timeout. Results, errors and unavailable presence are dropped: nobody waits for
--     an answer to them.
--
-- Load it globally and name the components (prosody-gateway.cfg.lua beside this file is a complete snippet):
--
--     modules_enabled = { ...; "route_gateway" }
--     route_gateway_component = { "xfedd1.example.org", "xfedd2.example.org" }

local st = require "util.stanza";
local jid_bare = require "util.jid".bare;
local jid_host = require "util.jid".host;
local sha1 = require "util.hashes".sha1;
local datetime = require "util.datetime".datetime;
local now = require "util.time".monotonic;

module:set_global();

local hosts = prosody.hosts;
local names = assert(module:get_option_set("route_gateway_component"),
	"route_gateway_component is not set: name the Components that xfedd connects to");

-- How long stanzas wait while no gateway is connected, in seconds. 0: not at all.
local hold = module:get_option_number("route_gateway_hold", 5);
-- How long a gateway may take to answer a ping, in seconds.
local timeout = module:get_option_number("route_gateway_timeout", 15);
-- How much may be kept for gateways that have not yet shown that they have it, and for want of a gateway, in bytes.
local max_kept = module:get_option_number("route_gateway_kept_bytes", 16 * 1024 * 1024);
-- false: messages too are answered with an error when a connection ends and nobody knows whether they arrived.
local resend = module:get_option_boolean("route_gateway_resend", true);

-- How long after a stanza the ping follows: one ping for all stanzas of that time.
local ping_delay = 0.2;
-- The tables around the text of a kept stanza, in bytes; measured.
local overhead = 1000;

-- What a stanza of this type waits for: "error" and "result" for nothing, and an answer to unavailable presence would
-- reach somebody who has left.
local silent = { error = true, result = true, unavailable = true };

-- ---------------------------------------------------------------- a queue of stanzas

local kept_bytes = 0;

local function new_queue()
	return { first = 1, last = 0, items = {} };
end

local function push(queue, item)
	queue.last = queue.last + 1;
	queue.items[queue.last] = item;
	kept_bytes = kept_bytes + #item.text + overhead;
end

local function pop(queue)
	local item = queue.items[queue.first];
	if not item then return nil; end
	queue.items[queue.first] = nil;
	queue.first = queue.first + 1;
	kept_bytes = kept_bytes - #item.text - overhead;
	return item;
end

-- ---------------------------------------------------------------- the gateways

-- name -> the gateway: its session while it is connected, what it has not yet shown to have (unproved), and the ping that is
-- under way (pinged: the number of the last stanza before it). How many are connected.
local gateways, connected = {}, 0;
-- Stanzas without a gateway, in the order in which they came. They wait while is_patient: no gateway is connected, but one
-- was there a moment ago. `losses` counts the moments at which the last one went.
local waiting, is_patient, losses = new_queue(), false, 0;

for name in names do
	gateways[name] = { name = name, unproved = new_queue() };
end

-- The session while xfedd is connected to its component. `modules.component` is mod_component's environment, which keeps
-- `connected` and `session` there.
local function session_of(name)
	local component = hosts[name] and hosts[name].modules.component;
	return component and component.connected and component.session or nil;
end

-- Each gateway draws a number for each user; the highest one wins. So when one goes or comes, all others keep theirs.
local function pick(jid, may_leave)
	local best, best_draw;
	for name, gateway in pairs(gateways) do
		if gateway.session and (may_leave or not gateway.is_leaving) then
			local draw = sha1(name .. "\0" .. jid);
			if not best or draw > best_draw then
				best, best_draw = gateway, draw;
			end
		end
	end
	if best or may_leave then return best; end
	return pick(jid, true);
end

local function send_ping(gateway)
	gateway.pinged, gateway.pinged_at = gateway.unproved.last, now();
	local ping = st.iq({ type = "get", from = gateway.name, to = gateway.name, id = "route_gateway:" .. gateway.pinged })
		:tag("ping", { xmlns = "urn:xmpp:ping" });
	gateway.session.send(tostring(ping));
end

-- Stop keeping stanzas for it: it does not answer pings at all, like an xfedd before they were thought of.
local function trust(gateway)
	module:log("warn", "%s answers no pings: what is on its way when its connection breaks will be lost", gateway.name);
	gateway.is_trusted = true;
	while pop(gateway.unproved) do end
end

local watch;

local function on_watch(_, gateway, session)
	if gateway.session ~= session then return; end
	gateway.is_watched = false;
	local late = gateway.pinged and now() - gateway.pinged_at >= timeout;
	if late and not gateway.has_answered then
		trust(gateway);
	elseif late then
		module:log("warn", "%s did not answer a ping for %g s, disconnecting it", gateway.name, timeout);
		session:close{ condition = "connection-timeout", text = "No answer to a ping" };
	elseif gateway.unproved.first <= gateway.unproved.last then
		if not gateway.pinged then send_ping(gateway); end
		watch(gateway);
	end
end

function watch(gateway)
	if gateway.is_watched then return; end
	gateway.is_watched = true;
	module:add_timer(ping_delay, on_watch, gateway, gateway.session);
end

-- An old stanza must go before a new one is refused: it is the one that is there most likely.
local function make_room(queue)
	while kept_bytes > max_kept and queue.first < queue.last do
		pop(queue);
	end
end

local function deliver(gateway, item)
	if gateway.is_trusted then return gateway.session.send(item.text); end
	push(gateway.unproved, item);
	make_room(gateway.unproved);
	watch(gateway);
	-- Last, because Prosody may find during the call that the connection is gone.
	gateway.session.send(item.text);
end

-- ---------------------------------------------------------------- stanzas without a gateway

local function bounce(item)
	local head = item.head;
	local from = jid_host(head.attr.from);
	if silent[head.attr.type] or not hosts[from] then return; end
	module:context(from):send(st.error_reply(head, "wait", "remote-server-timeout", "The federation gateway is not available"));
end

-- What may have been delivered already: an iq request must not be carried out twice, a message says when it was first sent.
local function may_go_again(item)
	local name, kind = item.head.name, item.head.attr.type;
	if name == "message" then return resend or kind == "error"; end
	return name == "presence" or kind == "result" or kind == "error";
end

-- Unless it has a time already, which is older: such as the history of a chat room.
local function stamp(item)
	if item.head.name ~= "message" or item.is_stamped then return; end
	item.is_stamped = true;
	local delay = st.stanza("delay", { xmlns = "urn:xmpp:delay", from = jid_host(item.head.attr.from), stamp = item.stamp });
	item.text = item.text:gsub("</message>$", function (tail) return tostring(delay) .. tail; end);
end

local function wait(item)
	push(waiting, item);
	if kept_bytes > max_kept then bounce(pop(waiting)); end
end

-- It was written to a connection that ended before the gateway showed that it has it.
local function orphan(item)
	if not may_go_again(item) then return bounce(item); end
	stamp(item);
	wait(item);
end

local function route_now(item)
	local gateway = pick(jid_bare(item.head.attr.from));
	if gateway then return deliver(gateway, item); end
	bounce(item);
end

-- Give what waits to a gateway or back to its senders. What these write in turn, and what a gateway leaves that goes meanwhile,
-- queues up behind it.
local function settle()
	while not is_patient and waiting.first <= waiting.last do
		route_now(pop(waiting));
	end
end

local function route(event)
	local stanza = event.stanza;
	local item = { text = tostring(stanza), head = st.clone(stanza, true), stamp = datetime(),
		is_stamped = stanza:get_child("delay", "urn:xmpp:delay") ~= nil };
	if waiting.first <= waiting.last or is_patient then
		wait(item);
	else
		route_now(item);
	end
	return true;
end

-- ---------------------------------------------------------------- connections come and go

local function on_connected(gateway, session)
	gateway.session, gateway.is_leaving, gateway.is_trusted, gateway.has_answered = session, false, false, false;
	gateway.pinged, gateway.is_watched = nil, false;
	connected, is_patient = connected + 1, false;
	module:add_timer(0, settle);
end

local function lose_patience_later()
	losses = losses + 1;
	local loss = losses;
	is_patient = true;
	module:add_timer(hold, function ()
		if loss ~= losses or connected > 0 then return; end
		is_patient = false;
		settle();
	end);
end

-- Deferred by a turn of the loop, since Prosody may tell it in the middle of a write, and since a connection may go because
-- the same gateway has made another one.
local function on_disconnected(gateway, session)
	if gateway.session ~= session then return; end
	gateway.session, connected = nil, connected - 1;
	local lost = gateway.unproved;
	gateway.unproved = new_queue();
	if lost.first <= lost.last then
		module:log("info", "%s went with %d stanzas on their way", gateway.name, lost.last - lost.first + 1);
	end
	local item = pop(lost);
	while item do
		orphan(item);
		item = pop(lost);
	end
	if connected == 0 then lose_patience_later(); end
	module:add_timer(0, settle);
end

local function on_answer(gateway, event)
	local attr = event.stanza.attr;
	local number = attr.from == gateway.name and (attr.type == "result" or attr.type == "error")
		and tonumber((attr.id or ""):match("^route_gateway:(%d+)$"));
	if not number then return; end
	gateway.has_answered = true;
	if number == gateway.pinged then gateway.pinged = nil; end
	-- It is alive, but has stanzas that wait for their peers: keep all, and ask again.
	if event.stanza:get_error() == "wait" then return true; end
	while gateway.unproved.first <= number and pop(gateway.unproved) do end
	return true;
end

local function on_presence(gateway, event)
	local attr = event.stanza.attr;
	if attr.from ~= gateway.name or event.origin ~= gateway.session then return; end
	gateway.is_leaving = attr.type == "unavailable";
	return true;
end

local attached = {};

local function attach_gateway(gateway, host)
	local function hook(name, handler)
		module:hook_object_event(host.events, name, function (event) return handler(gateway, event); end, 10);
	end
	hook("component-authenticated", function (_, event) on_connected(gateway, event.session); end);
	hook("component-disconnected", function (_, event) on_disconnected(gateway, event.session); end);
	hook("iq/host", on_answer);
	hook("presence/host", on_presence);
	local session = session_of(gateway.name);
	if session then on_connected(gateway, session); end
end

local function attach(name)
	local host, gateway = hosts[name], gateways[name];
	if not host or attached[name] == host then return; end
	attached[name] = host;
	if gateway then
		attach_gateway(gateway, host);
	else
		module:hook_object_event(host.events, "route/remote", route, 0);
	end
end

local function detach(name)
	attached[name] = nil;
	if gateways[name] and gateways[name].session then on_disconnected(gateways[name], gateways[name].session); end
end

module:hook("host-activated", attach);
module:hook("host-deactivated", detach);

for name in pairs(hosts) do attach(name); end

-- A missing component is a mistake in the configuration; say so once, when all hosts are there.
module:hook("server-started", function ()
	for name in names do
		if not (hosts[name] and hosts[name].modules.component) then
			module:log("error", "There is no Component %q: stanzas for other domains will never take that way", name);
		end
	end
end);

function module.unload()
	while waiting.first <= waiting.last do bounce(pop(waiting)); end
end
