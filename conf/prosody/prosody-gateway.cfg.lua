-- Prosody with xfedd as its way out: merge this into prosody.cfg.lua. Global part first, the Component last.
--
-- 1. Put mod_route_gateway.lua into a folder of your own and name the folder here.
plugin_paths = { "/usr/local/lib/prosody/modules" }

-- 2. Add "route_gateway" to your modules_enabled, and "s2s" with its companions to modules_disabled: this server then
--    neither listens for other servers nor dials them.
modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "route_gateway" }
modules_disabled = { "s2s", "s2s_bidi", "s2s_auth_certs", "dialback" }

-- 3. The components that the gateways connect to, one for each xfedd, with a name of its own (`name` of its link). With one
--    gateway name one. The links are not encrypted: keep them on loopback or a private wire.
route_gateway_component = { "xfedd1.example.org", "xfedd2.example.org" }
component_ports = { 5347 }
component_interfaces = { "127.0.0.1", "192.0.2.10" }
component_stanza_size_limit = 512 * 1024        -- no less than xfedd's `max-stanza` of the link

-- The defaults of the module; doc/operators/SERVERS.md says what each costs.
-- route_gateway_timeout = 15                   -- s for the answer to a ping, then a gateway counts as dead
-- route_gateway_hold = 5                       -- s that stanzas wait while no gateway is connected
-- route_gateway_resend = true                  -- false: messages too come back as errors when nobody knows whether they arrived
-- route_gateway_kept_bytes = 16 * 1024 * 1024

VirtualHost "example.org"
Component "conference.example.org" "muc"

Component "xfedd1.example.org"
	component_secret = "the content of xfedd's secret-file"
	validate_from_addresses = false         -- it speaks for every remote domain
	component_conflict_resolve = "kick_old" -- after a crash the new connection wins over the half-open old one

Component "xfedd2.example.org"
	component_secret = "the content of its secret-file"
	validate_from_addresses = false
	component_conflict_resolve = "kick_old"
