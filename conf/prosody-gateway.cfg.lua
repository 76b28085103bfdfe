-- Prosody with xfedd as its way out: merge this into prosody.cfg.lua. Global part first, the Component last.
--
-- 1. Put mod_route_gateway.lua into a folder of your own and name the folder here.
plugin_paths = { "/usr/local/lib/prosody/modules" }

-- 2. Add "route_gateway" to your modules_enabled, and "s2s" with its companions to modules_disabled: this server then
--    neither listens for other servers nor dials them.
modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "route_gateway" }
modules_disabled = { "s2s", "s2s_bidi", "s2s_auth_certs", "dialback" }

-- 3. The component that xfedd connects to. The link is not encrypted: keep it on loopback or a private wire.
route_gateway_component = "xfedd.example.org"
component_ports = { 5347 }
component_interfaces = { "127.0.0.1" }
component_stanza_size_limit = 512 * 1024        -- no less than xfedd's `max-stanza` of the link

VirtualHost "example.org"
Component "conference.example.org" "muc"

Component "xfedd.example.org"
	component_secret = "the content of xfedd's secret-file"
	validate_from_addresses = false         -- it speaks for every remote domain
	component_conflict_resolve = "kick_old" -- after a crash the new connection wins over the half-open old one
