// SPDX-License-Identifier: Apache-2.0
// Every bound of the data plane, with what happens when it is reached. Values a user may change are
// only defaults here; their flag is named.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace gh::limits {
// NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result): constants, far below 2^31.

using std::chrono::milliseconds;
using std::chrono::seconds;

// clang-format off

// ---- memory ----
inline constexpr std::size_t chunk_bytes = 16 * 1024 + 512;     // one pooled piece of a ByteQueue (a full TLS record fits)
inline constexpr std::size_t pool_idle_chunks_max = 4096;       // a core keeps so many free chunks; more go back to the allocator

// ---- sockets ----
inline constexpr std::size_t connections_per_worker_max = 200'000;  // further ones are closed at accept and counted
inline constexpr int listen_backlog = 4096;                     // the kernel drops further SYNs
inline constexpr std::size_t stream_out_high_bytes = 256 * 1024;  // nothing more is produced for a connection above this…
inline constexpr std::size_t stream_out_low_bytes = 64 * 1024;    // …until its queue has fallen to this
inline constexpr std::size_t read_buffer_bytes = 64 * 1024;     // epoll: a worker's one receive buffer; the rest is read next
inline constexpr std::size_t reads_per_turn_max = 4;            // epoll: buffers read from one stream in a turn; then it is the others' turn
inline constexpr std::size_t accepts_per_turn_max = 64;         // epoll: connections taken in a row; the rest next turn
inline constexpr milliseconds accept_backoff{100};              // out of descriptors: accepting rests so long, and it is counted
inline constexpr unsigned uring_entries = 1024;                 // uring: operations prepared in a turn; more: handed over in between
inline constexpr unsigned uring_completions = 8192;             // uring: results at hand; more are kept by the kernel until taken
inline constexpr unsigned uring_small_buffers = 512;            // uring: receive buffers of a worker (2^n); all in use: the stream is received from next turn
inline constexpr std::size_t uring_small_buffer_bytes = 4 * 1024;   // …of this size; at most 32 of them hold what arrived for a stream as it was paused
inline constexpr unsigned uring_bulk_buffers = 32;              // uring: the same for streams in bulk…
inline constexpr std::size_t uring_bulk_buffer_bytes = 64 * 1024;
inline constexpr unsigned uring_bulk_after = 16;                // …which a stream is after so many full small buffers in a row
inline constexpr std::size_t linger_bytes_max = 1024 * 1024;    // input discarded after close(); more: the peer gets a RST
inline constexpr milliseconds linger_timeout{1000};             // for the peer's FIN after ours; then the socket is closed
inline constexpr seconds keepalive_idle{60};                    // a silent peer is probed (TCP keep-alive)…
inline constexpr seconds keepalive_interval{15};                // …every so often…
inline constexpr int keepalive_probes = 4;                      // …and given up (timed_out) after so many

inline constexpr seconds close_timeout{10};                     // a closed connection whose last bytes nobody takes is dropped

// ---- the road over our own TCP (dataplane/net/stack, dataplane/net/dpdk) ----
inline constexpr std::size_t stack_burst = 64;                  // frames taken from a port at once…
inline constexpr std::size_t stack_bursts_per_turn_max = 4;     // …and so often in a turn; the rest next turn
inline constexpr std::size_t stack_unsent_frames_max = 4096;    // frames a port has no room for; more: the oldest are dropped, TCP sends them again
inline constexpr std::chrono::microseconds stack_pause_min{20};  // a port that cannot wake us is looked at again after this…
inline constexpr std::chrono::microseconds stack_pause_max{500};  // …doubling while nothing comes, up to this
inline constexpr std::size_t dpdk_steered_frames_max = 2048;    // frames on their way from one worker to another (2^n); more: dropped, and counted

// ---- frames and addresses (dataplane/net/wire) ----
inline constexpr std::size_t frame_headroom_bytes = 128;        // in front of a payload we send: Ethernet, VLAN, IPv6 and TCP with all options fit
inline constexpr std::size_t ip_extension_headers_max = 8;      // IPv6 extension headers before TCP; more: dropped
inline constexpr std::size_t ip_extension_bytes_max = 256;      // …and their bytes
inline constexpr std::size_t neighbors_max = 4096;              // resolved or resolving; more: the one unused longest is forgotten
inline constexpr std::size_t neighbor_queue_max = 8;            // frames that wait for one address; more: the oldest is dropped
inline constexpr std::size_t neighbor_queued_max = 1024;        // …for all; more: the new one is dropped
inline constexpr unsigned neighbor_probes_max = 3;              // unanswered questions; then unreachable
inline constexpr milliseconds neighbor_probe_interval{1000};
inline constexpr seconds neighbor_reachable{30};                // since it was heard of; then asked again when used
inline constexpr seconds address_defend_interval{10};           // a conflicting claim of our address is answered no more often
inline constexpr std::uint32_t icmp_per_second_max = 1000;      // ICMP that we send; more is not sent, and counted

// ---- TCP (dataplane/tcp); counts are a worker's ----
inline constexpr std::size_t tcp_connections_max = 1'100'000;   // more: SYNs are dropped, connect() refuses
inline constexpr std::size_t tcp_connections_per_source_max = 65'536;  // of one address (IPv6: /64); more: SYNs are dropped
inline constexpr std::size_t tcp_source_slots = 131'072;       // where they are counted, by a keyed hash; two sources of one slot are counted as one
inline constexpr std::size_t tcp_half_open_max = 4096;          // SYN-RECEIVED kept; from three quarters on SYN cookies are sent
inline constexpr std::size_t tcp_time_wait_max = 131'072;       // more: the oldest ends early
inline constexpr seconds tcp_time_wait{60};
inline constexpr std::size_t tcp_segments_in_flight_max = 1024; // of one connection; more wait for ACKs
inline constexpr std::size_t tcp_holes_max = 64;                // ranges out of order of one connection; more: the segment is dropped, the peer sends it again
inline constexpr std::uint32_t tcp_receive_bytes_min = 64 * 1024;  // receive buffer at first and when idle…
inline constexpr std::uint32_t tcp_receive_bytes_max = 2 * 1024 * 1024;  // …growing with use up to this
inline constexpr std::size_t tcp_frames_held_max = 262'144;     // frames in all queues; from three quarters on windows do not grow and holes are not kept; at it: data is dropped
inline constexpr std::uint16_t tcp_mss_min = 88;                // a peer's smaller MSS option is taken for this
inline constexpr milliseconds tcp_rto_min{200};                 // RFC 6298 says 1 s; with timestamps and TLP the lower bound is safe, as on Linux
inline constexpr milliseconds tcp_rto_first{1000};
inline constexpr milliseconds tcp_rto_max{60'000};
inline constexpr milliseconds tcp_delayed_ack{40};              // RFC 9293 §3.8.6.3: below 500 ms
inline constexpr unsigned tcp_syn_retries = 6;                  // of our SYN; then timed_out
inline constexpr unsigned tcp_syn_ack_retries = 4;              // then forgotten
inline constexpr unsigned tcp_retries = 12;                     // timeouts in a row of one segment; then timed_out
inline constexpr seconds tcp_zero_window_max{300};              // a peer's window shut for so long; then timed_out
inline constexpr seconds tcp_orphan{30};                        // after close(): the rest of the farewell may take so long; then RST
inline constexpr std::uint32_t tcp_challenge_acks_per_second_max = 1000;  // RFC 5961 §7; more are not sent
inline constexpr std::uint32_t tcp_resets_per_second_max = 1000;  // RSTs to segments of no connection; more are not sent
inline constexpr std::size_t tcp_listeners_max = 64;

// ---- TLS ----
inline constexpr seconds handshake_timeout{10};                 // then the connection is closed and counted
inline constexpr std::size_t crypto_queued_max = 1024;          // operations a worker has gathered in a turn; more: done at once, alone
inline constexpr std::size_t crypto_away_max = 1024;            // a worker's operations with keys outside the process; more: those handshakes fail
inline constexpr std::size_t crypto_helper_threads_max = 8;     // a worker's threads that wait for such keys; more operations wait in line
inline constexpr milliseconds crypto_helpers_farewell{2000};    // a thread that such a key holds for so long is left behind when the worker ends
inline constexpr milliseconds crypto_poll{1};                   // a device that does not announce its answers is asked this often
inline constexpr std::size_t client_chain_max = 10;             // certificates in a client's chain; more: handshake fails
inline constexpr std::size_t client_chain_bytes_max = 64 * 1024;  // bytes of the client's Certificate message; more: handshake fails
inline constexpr std::size_t identity_cache_entries_max = 16'384;  // client chains a worker remembers as verified; then the least recently used is forgotten
inline constexpr std::size_t identity_cache_entry_bytes_max = 8 * 1024;  // a chain and its names; larger: verified at each handshake
inline constexpr seconds ticket_lifetime{12 * 3600};            // --ticket-lifetime: a ticket older than this: full handshake
inline constexpr seconds ticket_lifetime_limit{7 * 24 * 3600};  // …and the most it may be (RFC 8446 §4.6.1); more: refused
inline constexpr seconds ticket_lineage_max{24 * 3600};         // --resumption-lineage-max: this long after the full handshake a resumption descends from: full handshake
inline constexpr seconds ticket_lineage_limit{30 * 24 * 3600};  // …and the most it may be; more: refused
inline constexpr std::size_t ticket_leaf_bytes_max = 8 * 1024;  // a client's own certificate in its ticket; larger: no ticket
inline constexpr std::size_t ticket_keys_max = 16;              // keys that open tickets; more in files: refused; made here: the oldest is forgotten
inline constexpr std::size_t ticket_key_file_bytes_max = 4096;  // --session-ticket-key-file; a larger file: refused
inline constexpr std::uint32_t rsa_key_bits_max = 8192;         // an RSA key in a peer's chain; larger: handshake fails, as with Go
inline constexpr std::size_t early_plaintext_max = 64 * 1024;   // plaintext held while the reader is paused; reading stops at it

// ---- HTTP ----
inline constexpr std::size_t request_line_bytes_max = 32 * 1024;  // longer target: 414 (HTTP/1.1), stream reset (HTTP/2)
inline constexpr std::size_t method_bytes_max = 64;             // a longer method: 400 (HTTP/1.1), stream reset (HTTP/2)
inline constexpr std::size_t head_bytes_max = 64 * 1024;        // names + values + 32 each; more: 431
inline constexpr std::size_t header_fields_max = 512;           // more: 431
inline constexpr std::size_t trailer_bytes_max = 16 * 1024;     // more: 400 / stream reset
inline constexpr std::uint32_t h2_streams_max = 250;            // SETTINGS_MAX_CONCURRENT_STREAMS towards clients; more: REFUSED_STREAM
inline constexpr std::uint32_t h2_stream_window_bytes = 256 * 1024;   // unread body bytes a stream may have; more: FLOW_CONTROL_ERROR
inline constexpr std::uint32_t h2_connection_window_bytes = 1024 * 1024;
inline constexpr std::size_t h2_resets_burst_max = 200;         // client resets (RFC 9113 §10.5) in a burst; more: GOAWAY ENHANCE_YOUR_CALM
inline constexpr std::size_t h2_resets_per_second_max = 100;
inline constexpr std::size_t h2_control_frames_queued_max = 1000;  // PING/SETTINGS answers waiting; more: connection closed
inline constexpr std::int64_t h2_overhead_frames_burst_max = 1000;  // frames that carry nothing (PING, SETTINGS ×4, PRIORITY, WINDOW_UPDATE, empty DATA)…
inline constexpr std::int64_t h2_overhead_frames_per_second_max = 500;  // …and a second, less what answers our DATA; more: ENHANCE_YOUR_CALM
inline constexpr std::uint32_t h2_updates_earned_max = 1u << 20;  // WINDOW_UPDATE frames our DATA has earned and that have not come; no more are added up
inline constexpr std::uint32_t h2_continuations_max = 32;       // CONTINUATION frames of one header block; more: ENHANCE_YOUR_CALM
inline constexpr std::uint32_t h2_header_block_bytes_max = 128 * 1024;  // one compressed header block; more: ENHANCE_YOUR_CALM
inline constexpr std::size_t h2_send_block_bytes_max = 256 * 1024;  // a head we send; more: the stream is reset
inline constexpr std::uint32_t h2_client_streams_max = 1000;    // streams we open on one upstream connection, whatever SETTINGS allows
inline constexpr seconds h2_drain_notice{1};                    // from GOAWAY 2^31-1 to the one that names the last stream, unless PING is answered first
inline constexpr std::size_t h1_body_unread_max = 256 * 1024;   // bytes of one body waiting for the other side; reading stops
inline constexpr std::size_t h1_pipelined_bytes_max = 16 * 1024;  // bytes held behind a running request; reading stops
inline constexpr std::size_t h1_connection_options_max = 32;    // fields nominated in Connection; more: 400
inline constexpr std::size_t h1_chunk_extension_bytes_max = 1024;  // chunk extensions of a body, all dropped; more: 400
inline constexpr std::size_t h1_drain_bytes_max = 64 * 1024;    // body left when the answer is out: read to keep the connection; more: closed
inline constexpr std::size_t h1_interim_responses_max = 32;     // 1xx heads before one answer of an upstream; more: bad_response
inline constexpr seconds h1_half_closed_timeout{5};             // a client that sends no more still gets answers ending by then; else cancelled
inline constexpr seconds h1_closing_timeout{5};                 // last bytes before a close that nobody takes are dropped
inline constexpr seconds head_timeout{30};                      // a request head not whole by then: 408, closed
inline constexpr seconds idle_timeout{180};                     // a connection with no request: GOAWAY / closed

// ---- forwarding ----
inline constexpr std::size_t upstream_connections_max = 256;    // a worker and replica; then requests wait in line
inline constexpr std::uint32_t upstream_streams_default = 100;  // streams on one h2 connection until SETTINGS says otherwise
inline constexpr std::size_t upstream_waiting_max = 10'000;     // a worker's requests without a connection; more: 503
inline constexpr seconds upstream_connect_timeout{5};           // TCP and TLS; then the next replica, or 503
inline constexpr seconds upstream_wait_timeout{10};             // a request without a connection; then 503
inline constexpr seconds upstream_head_timeout{65};             // no response head (not for watches and upgrades); then 504
inline constexpr seconds upstream_idle_timeout{90};             // an unused upstream connection is closed
inline constexpr std::size_t refused_body_bytes_max = 64 * 1024;  // a refused HTTP/2 request's body is read away so far before the answer…
inline constexpr seconds refused_body_timeout{1};               // …and waited for so long
inline constexpr std::size_t upstream_attempts_max = 3;         // tries of one request in all
inline constexpr seconds collect_timeout{10};                   // a body that has to be read whole before it is judged; then 408
inline constexpr std::size_t principals_cached_max = 16'384;    // identities a worker remembers that nobody uses now; then the oldest is forgotten
inline constexpr milliseconds fetched_keys_poll{250};           // how often control looks for keys that OIDC issuers gave
inline constexpr std::size_t token_cache_entries_max = 16'384;  // tokens (by their HMAC) a worker remembers; then the oldest is forgotten
inline constexpr seconds token_review_lifetime{10};             // an API server's word on a token, yes or no, is good for so long
inline constexpr seconds token_review_retry{1};                 // …and when none answered, the next is asked after this
inline constexpr std::size_t token_reviews_max = 1024;          // a worker's TokenReviews under way; more: 401
inline constexpr std::size_t admission_questions_max = 128;     // a worker's requests of nodes in admission; more: 429
inline constexpr std::size_t admission_questions_a_node_max = 32;  // …and one node's among them; more: 429
inline constexpr std::size_t side_answer_bytes_max = 4 * 1024 * 1024;  // an API server's answer to a request of ours; longer: as none
inline constexpr seconds side_request_timeout{10};              // …and the wait for it
inline constexpr std::size_t replay_body_bytes_max = 64 * 1024; // a body is kept for a retry up to this
inline constexpr milliseconds ejection_first{200};              // a replica that refuses is skipped so long, doubling…
inline constexpr seconds ejection_max{5};                       // …up to this

// ---- impersonation ----
inline constexpr std::size_t impersonation_requestors_remembered = 4096;  // a worker's; one that is pushed out has its modes tried in the usual order

// ---- tokens ----
inline constexpr std::size_t token_bytes_max = 64 * 1024;       // a bearer token; longer: refused
inline constexpr std::size_t token_json_depth_max = 10'000;     // Go's own: values in one another in a token; deeper: refused
inline constexpr std::size_t token_keys_max = 256;              // keys of a key set or of all --service-account-key-file; more: the set is refused
inline constexpr std::size_t token_source_bytes_max = 16u * 1024 * 1024;  // a token file, a key file, a file of Secrets; larger: refused
inline constexpr std::size_t oidc_issuers_max = 64;             // Kubernetes' own: jwt[] of an AuthenticationConfiguration; more: refused
inline constexpr std::size_t oidc_answer_bytes_max = 1024 * 1024;  // a discovery document or a key set; longer: as none
inline constexpr seconds oidc_fetch_timeout{30};                // …and the wait for it
inline constexpr seconds oidc_refresh_min{10};                  // keys of an issuer are fetched no more often, however many unknown ones are met
inline constexpr seconds oidc_refresh_period{300};              // …and that often without being asked, so that a withdrawn key goes

// ---- admission of node writers (authz/admission) ----
inline constexpr std::size_t admission_body_bytes_max = 3 * 1024 * 1024;  // a body that is judged, as the API server's own bound; more: 413
inline constexpr std::size_t admission_depth_max = 64;          // lists and objects in one another; deeper: 400
inline constexpr std::size_t admission_values_max = 100'000;    // values of one object or patch; more: 400
inline constexpr std::size_t admission_patch_operations_max = 1000;  // of a JSON patch; more: 422
inline constexpr std::size_t admission_lookups_max = 64;        // objects fetched for one request; more: 403
inline constexpr std::size_t admission_rounds_max = 6;          // times one request is judged as objects come in; more: 500

// ---- rules that map certificates (--certificate-mapping) ----
inline constexpr std::size_t mapping_rules_max = 64;            // more rules: the configuration is refused; so are…
inline constexpr std::size_t mapping_captures_max = 8;          // …more captures in a pattern
inline constexpr std::size_t mapping_groups_max = 32;           // …more groups of a rule
inline constexpr std::size_t mapping_text_bytes_max = 512;      // …a longer pattern or template
inline constexpr std::size_t mapping_names_max = 100;           // DNS names or units of a certificate that a rule looks at; more: 401
inline constexpr std::size_t mapping_capture_bytes_max = 253;   // what a capture may take over; longer: 401
inline constexpr std::size_t mapped_name_bytes_max = 1024;      // a user or group that comes out; longer: 401

// ---- control ----
inline constexpr std::size_t log_queue_lines = 8192;            // log lines waiting for the writer; more are dropped and counted
inline constexpr milliseconds reload_debounce{100};             // file events within this are one reload
inline constexpr milliseconds reload_debounce_max{500};         // …but a reload never waits longer for them to rest
inline constexpr seconds reload_poll{10};                       // files are looked at so often for changes inotify did not tell
inline constexpr seconds ticket_key_period{12 * 3600};          // --session-ticket-rotate-interval: a new ticket key; those before still open tickets
inline constexpr std::size_t admin_connections_max = 64;        // --admin-listen; further ones are closed at accept
inline constexpr seconds admin_timeout{10};                     // of an admin request's head, an idle or a stuck admin connection
inline constexpr std::size_t policy_file_bytes_max = 256u * 1024 * 1024;  // larger: the set is refused
inline constexpr std::size_t policy_depth_max = 64;             // lists and maps in one another; deeper: the set is refused
inline constexpr std::size_t policy_nodes_max = 16'000'000;     // values of one YAML or JSON document; more: the set is refused
inline constexpr std::size_t policy_alias_nodes_max = 1'000'000;  // values that YAML aliases and merges of a file stand for; more: the set is refused
inline constexpr std::size_t policy_merge_keys_max = 10'000;    // keys of a map that YAML merges (<<) bring in; more: the set is refused
inline constexpr std::size_t policy_warnings_max = 100;         // warnings kept of a set; more are only counted
inline constexpr std::size_t difference_lines_max = 100'000;    // gatehouse diff: permissions gained and lost; more: it says so and ends
inline constexpr std::size_t difference_steps_max = 2'000'000;  // gatehouse diff: parts that one subject's permissions are split into; more: the same
inline constexpr std::size_t shadow_entries_max = 100'000;      // gatehouse shadow-report: different requests kept; further ones are only counted
inline constexpr std::size_t shadow_line_bytes_max = 256 * 1024;  // gatehouse shadow-report: a longer line is counted as bad
inline constexpr std::size_t node_graph_name_bytes_max = 1024;   // a name in the Node authorizer's graph (Kubernetes: 253); longer: that object or reference is left out and counted
inline constexpr seconds shutdown_timeout{30};                  // --shutdown-timeout

// ---- gatehouse-load ----
inline constexpr std::size_t load_threads_max = 256;            // --threads; more: a usage error, as all of these
inline constexpr std::size_t load_connections_max = 1'000'000;  // --connections, and the descriptors of the process (RLIMIT_NOFILE) bound it too
inline constexpr std::size_t load_streams_max = 1000;           // --streams of one HTTP/2 connection
inline constexpr std::size_t load_identities_max = 10'000;      // pairs in --cert-dir
inline constexpr std::size_t load_contexts_max = 20'000;        // TLS contexts in all: threads × identities, in resume mode one a connection
inline constexpr std::size_t load_ports_per_source = 20'000;    // connections from one loopback source address; more use 127.0.0.2 and on
inline constexpr std::size_t load_backlog_max = 1'000'000;      // --rate: operations that are due and not begun, of a thread; more: counted as dropped
inline constexpr std::size_t load_samples_max = 7200;           // points of rate over time that are kept; then each second one is dropped
inline constexpr std::size_t load_event_bytes_max = 64 * 1024;  // a watch event is looked at for its time of sending so far
inline constexpr std::size_t load_error_texts_max = 32;         // different texts of errors kept for the report; further ones are only counted

// clang-format on
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)
}  // namespace gh::limits
