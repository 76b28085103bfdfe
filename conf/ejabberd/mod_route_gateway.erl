%%% SPDX-License-Identifier: MIT
%%%
%%% mod_route_gateway: hands every stanza for a domain that this ejabberd does not serve to the federation gateway, xfedd.
%%%
%%% How this works. ejabberd_router runs the global hook filter_packet before it looks for a route. A stanza from one of our
%%% domains (virtual hosts, chat rooms and other services alike) to a domain without a route goes to the process that holds
%%% the gateway's XEP-0114 connection instead, and the router is told to drop it. The hook for this that ejabberd offers
%%% under S2S, s2s_send_packet, is too late: the process which dials the peer exists by then.
%%%
%%%   * While no gateway is connected the sender gets `wait' remote-server-timeout at once.
%%%   * ejabberd's own S2S never sees such a stanza; `s2s_access: none' beside it is the safety net for the case that this
%%%     module is not loaded.
%%%   * A stanza whose `from' is not ours came from the gateway itself and goes nowhere, or the two would play ping-pong.
%%%   * With several connections, of one gateway or of several, each of our users (and chat rooms) keeps
%%%     to one of them, so that order is kept. When a connection goes, only its users move, at once. What ejabberd had written to
%%%     it, and the gateway had not read, is lost: XEP-0114 has no acknowledgements.
%%%
%%% Virtual hosts on which the module is not enabled are left alone. To compile it on Debian, where erlang-base has erlc:
%%%
%%%     E=$(ls -d /usr/lib/*/ejabberd-*/ebin | head -n 1)
%%%     erlc -pa "$E" -I "$E/../include" -o "$E" mod_route_gateway.erl
-module(mod_route_gateway).

-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_opt_type/1, mod_options/1, mod_doc/0]).
-export([on_filter_packet/1]).

-include_lib("p1_xmpp/include/xmpp.hrl").
-include("ejabberd_router.hrl").
-include("logger.hrl").
-include("translate.hrl").

%% Late among the filters, so that what they refuse or rewrite does not leave first.
-define(PRIORITY, 90).

%%% ---- gen_mod

start(_Host, _Opts) ->
    %% Adding the same function again for a second virtual host changes nothing.
    ejabberd_hooks:add(filter_packet, ?MODULE, on_filter_packet, ?PRIORITY).

stop(Host) ->
    case gen_mod:is_loaded_elsewhere(Host, ?MODULE) of
        true -> ok;
        false -> ejabberd_hooks:delete(filter_packet, ?MODULE, on_filter_packet, ?PRIORITY)
    end.

reload(_Host, _NewOpts, _OldOpts) ->
    ok.

depends(_Host, _Opts) ->
    [].

mod_opt_type(component) ->
    econf:list_or_single(econf:domain()).

mod_options(_Host) ->
    [component].

mod_doc() ->
    #{desc => ?T("Hands all stanzas for remote domains to an external S2S gateway, a XEP-0114 component."),
      opts => [{component,
                #{value => ?T("Domain | [Domain, ...]"),
                  desc => ?T("The names under which the gateways connect to ejabberd_service listeners.")}}]}.

%%% ---- the hook

-spec on_filter_packet(stanza() | drop) -> stanza() | drop.
on_filter_packet(drop) ->
    drop;
on_filter_packet(Packet) ->
    #jid{lserver = To} = xmpp:get_to(Packet),
    case ejabberd_router:is_my_route(To) of
        true -> Packet;
        false -> leaving(Packet, xmpp:get_from(Packet))
    end.

leaving(Packet, #jid{lserver = From}) ->
    case gateways_for(From) of
        {ok, Components} ->
            case lists:member(From, Components) of
                true -> stop_loop(Packet);
                false -> to_gateway(Packet, Components)
            end;
        no_gateway ->
            Packet;
        not_ours ->
            stop_loop(Packet)
    end.

%% Whose gateways: those of the virtual host to which the sender's domain, maybe a chat service, belongs.
gateways_for(From) ->
    case ejabberd_router:is_my_route(From) of
        true ->
            Host = ejabberd_router:host_of_route(From),
            case gen_mod:is_loaded(Host, ?MODULE) of
                true -> {ok, gen_mod:get_module_opt(Host, ?MODULE, component)};
                false -> no_gateway
            end;
        false ->
            not_ours
    end.

stop_loop(Packet) ->
    ?DEBUG("Neither side of this stanza is ours, dropped:~n~ts", [xmpp:pp(Packet)]),
    drop.

to_gateway(Packet, Components) ->
    case lists:flatmap(fun connections/1, Components) of
        [] ->
            bounce(Packet);
        Pids ->
            ejabberd_cluster:send(pick(xmpp:get_from(Packet), Pids), {route, Packet}),
            drop
    end.

%% Each connection draws a number for each user; the highest one wins. So when one goes or comes, all others keep theirs.
pick(_From, [Pid]) ->
    Pid;
pick(#jid{luser = User, lserver = Server}, Pids) ->
    {_, Pid} = lists:max([{erlang:phash2({User, Server, Pid}), Pid} || Pid <- Pids]),
    Pid.

%% The router's backend is asked, since find_routes of the router itself is not exported. It may still name a process that
%% has just ended, or one of a node that has: what went there would be lost.
connections(Component) ->
    Backend = ejabberd_router:get_backend(),
    case Backend:find_routes(Component) of
        {ok, Routes} -> [Pid || #route{pid = Pid} <- Routes, is_pid(Pid), is_there(Pid)];
        {error, _} -> []
    end.

is_there(Pid) when node(Pid) == node() -> is_process_alive(Pid);
is_there(Pid) -> lists:member(node(Pid), nodes()).

bounce(Packet) ->
    case xmpp:get_type(Packet) of
        unavailable ->
            drop;       % its sender has left; errors and results are kept back by route_error itself
        _ ->
            Error = xmpp:err_remote_server_timeout(?T("The federation gateway is not available"),
                                                   xmpp:get_lang(Packet)),
            ejabberd_router:route_error(Packet, Error),
            drop
    end.
