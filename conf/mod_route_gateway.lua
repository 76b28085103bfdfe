-- SPDX-License-Identifier: MIT
--
-- mod_route_gateway: hands every stanza for a domain that this Prosody does not serve to the federation gateway, xfedd.
--
-- How this works. Prosody fires "route/remote" on the host that a stanza comes from when its destination is nobody here.
-- mod_s2s answers that event at priority -1 and -10; this module answers it at 0, on each host and on each component (a chat
-- room's component has no modules from the global modules_enabled, so a module loaded per host would miss its replies), and
-- gives the stanza to the gateway's XEP-0114 component.
--
--   * While the gateway is not connected the sender gets `wait` remote-server-timeout at once. Results, errors and
--     unavailable presence are dropped: nobody waits for an answer to them.
--   * mod_s2s never sees a stanza, whatever state the gateway is in: a broken gateway must not open a way around it.
--   * The gateway's own component is left out, or what it sends would come back to it in a loop.
--
-- Load it globally and name the component (prosody-gateway.cfg.lua beside this file is a complete snippet):
--
--     modules_enabled = { ...; "route_gateway" }
--     route_gateway_component = "xfedd.example.org"

local st = require "util.stanza";

module:set_global();

local hosts = prosody.hosts;
local gateway = assert(module:get_option_string("route_gateway_component"),
	"route_gateway_component is not set: name the Component that xfedd connects to");

-- What a stanza of this type waits for: "error" and "result" for nothing, and an answer to unavailable presence would
-- reach somebody who has left.
local silent = { error = true, result = true, unavailable = true };

-- The component's host while xfedd is connected to it. `modules.component` is mod_component's environment, which keeps
-- `connected` there.
local function connected_gateway()
	local host = hosts[gateway];
	local component = host and host.modules.component;
	return component and component.connected and host or nil;
end

local function bounce(event)
	local stanza = event.stanza;
	if not silent[stanza.attr.type] then
		event.origin.send(st.error_reply(stanza, "wait", "remote-server-timeout",
			"The federation gateway is not available"));
	end
	return true;
end

local function route(event)
	local host = connected_gateway();
	if not host then
		module:log("debug", "%s is not connected, bouncing: %s", gateway, event.stanza:top_tag());
		return bounce(event);
	end
	-- One event of the component's host is as good as another: mod_component answers all nine in the same way.
	return host.events.fire_event(event.stanza.name .. "/host", { origin = event.origin, stanza = event.stanza });
end

local attached = {};

local function attach(name)
	local host = hosts[name];
	if not host or name == gateway or attached[name] == host then return; end
	attached[name] = host;
	module:hook_object_event(host.events, "route/remote", route, 0);
end

module:hook("host-activated", attach);
module:hook("host-deactivated", function (name) attached[name] = nil; end);

for name in pairs(hosts) do attach(name); end

-- A missing component is a mistake in the configuration; say so once, when all hosts are there.
module:hook("server-started", function ()
	if not (hosts[gateway] and hosts[gateway].modules.component) then
		module:log("error", "There is no Component %q: every stanza for another domain will be bounced", gateway);
	end
end);
