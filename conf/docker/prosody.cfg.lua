-- Prosody with xfedd beside it in a container (compose-prosody.yaml).

-- The first line of a file.
local function line_of(path)
	local file = assert(io.open(path));
	local line = file:read("*l");
	file:close();
	return line;
end

modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "route_gateway" }
modules_disabled = { "s2s", "s2s_bidi", "s2s_auth_certs", "dialback" }

route_gateway_component = { "xfedd.example.org" }
component_ports = { 5347 }
component_interfaces = { "127.0.0.1" }
component_stanza_size_limit = 512 * 1024

ssl = { certificate = "/etc/prosody/files/example.org.pem"; key = "/etc/prosody/files/example.org.key" }
log = { info = "*console" }

VirtualHost "example.org"
Component "conference.example.org" "muc"

Component "xfedd.example.org"
	component_secret = line_of("/etc/prosody/files/link.secret")
	validate_from_addresses = false
	component_conflict_resolve = "kick_old"
