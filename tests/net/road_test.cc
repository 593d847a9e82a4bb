// SPDX-License-Identifier: Apache-2.0
// The contract of byte_stream.h, on each road.
#include "tests/net/road_fixture.h"

#include <sys/resource.h>

#include <algorithm>
#include <thread>

namespace gh::net {
namespace {

INSTANTIATE_TEST_SUITE_P(
    Roads,
    RoadTest,
    testing::ValuesIn(roads_under_test()),
    [](const auto& each) { return std::string(name_of(each.param)); }
);

void echo(Stream& stream, ByteView bytes) {
  stream.out().append(bytes);
  stream.flush();
}

// ---- bytes ----

struct SleepLog final : SleepObserver {
  std::string told;

  void on_sleep() noexcept override { told += 's'; }

  void on_awake() noexcept override { told += 'a'; }
};

// Else a sleeping worker would hold up every publisher of snapshots.
TEST_P(RoadTest, an_observer_is_told_around_each_wait_that_may_block) {
  SleepLog log;
  road->observe_sleep(&log);
  turn(std::chrono::milliseconds(0));
  EXPECT_EQ(log.told, "");
  turn(std::chrono::milliseconds(1));
  EXPECT_EQ(log.told, "sa");
  road->observe_sleep(nullptr);
}

TEST_P(RoadTest, bytes_are_echoed_in_order) {
  acceptor.prepare = [](Recorder& it) { it.at_bytes = echo; };
  Peer peer(listen_at());
  std::string back;
  for (int i = 0; i < 100; ++i) {
    peer.send("message " + std::to_string(i) + "\n");
    const std::size_t lines = std::size_t(i) + 1;
    run_until([&] {
      peer.take(back);
      return std::size_t(std::count(back.begin(), back.end(), '\n')) == lines;
    });
  }
  EXPECT_EQ(acceptor.accepted.front()->got, back);
}

TEST_P(RoadTest, bytes_sent_before_the_accept_are_seen) {
  const Endpoint at = listen_at();
  Peer peer(at);
  peer.send("early");
  peer.finish();
  run_until([&] { return !acceptor.accepted.empty() && acceptor.accepted[0]->saw('e'); });
  EXPECT_EQ(acceptor.accepted[0]->got, "early");
  EXPECT_EQ(acceptor.accepted[0]->events, "be");
}

TEST_P(RoadTest, a_handler_may_speak_first) {
  acceptor.prepare = [](Recorder& it) { send_text(*it.stream, "hello"); };
  Peer peer(listen_at());
  std::string got;
  run_until([&] {
    peer.take(got);
    return got == "hello";
  });
}

TEST_P(RoadTest, the_peer_address_is_known) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  EXPECT_EQ(it.stream->peer().ip(), local_endpoint(peer.fd(), {}).ip());
  EXPECT_EQ(it.stream->peer().port(), local_endpoint(peer.fd(), {}).port());
}

TEST_P(RoadTest, many_megabytes_arrive_whole) {
  const std::string sent = pattern(32u << 20);
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  std::size_t at = 0;
  run_until([&] {
    if (at < sent.size()) at += peer.try_send(std::string_view(sent).substr(at, 1 << 20));
    return it.got.size() == sent.size();
  });
  EXPECT_TRUE(it.got == sent);
}

// A producer that honours above_high() and on_send_room() towards a reader slower than it.
TEST_P(RoadTest, many_megabytes_leave_whole_and_the_queue_stays_bounded) {
  const std::string sent = pattern(32u << 20);
  std::size_t at = 0;
  std::size_t most = 0;
  const auto produce = [&](Stream& stream) {
    while (at < sent.size() && !stream.above_high()) {
      const auto piece = std::string_view(sent).substr(at, 10'000);
      stream.out().append(as_bytes(piece));
      at += piece.size();
    }
    most = std::max(most, stream.out().size());
    stream.flush();
    if (at == sent.size()) stream.close();
  };
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer, 128 * 1024);
  it.at_room = produce;
  produce(*it.stream);
  std::string got;
  bool ended = false;
  run_until([&] {
    ended = ended || peer.take(got, 50'000);
    if (ended) peer.close();
    return ended && it.closed;
  });
  EXPECT_TRUE(got == sent);
  EXPECT_LT(most, limits::stream_out_high_bytes + 10'000);
  EXPECT_TRUE(it.saw('r'));
  EXPECT_EQ(it.error, StreamError::none);
}

TEST_P(RoadTest, both_ways_at_once_with_a_bounded_echo) {
  const std::string sent = pattern(16u << 20);
  acceptor.prepare = [](Recorder& it) {
    it.at_bytes = [](Stream& stream, ByteView bytes) {
      echo(stream, bytes);
      if (stream.above_high()) stream.pause_read();
    };
    it.at_room = [](Stream& stream) { stream.resume_read(); };
  };
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  std::string back;
  std::size_t at = 0;
  std::size_t most = 0;
  run_until([&] {
    if (at < sent.size()) at += peer.try_send(std::string_view(sent).substr(at, 1 << 20));
    peer.take(back, 100'000);
    most = std::max(most, it.stream->out().size());
    return back.size() == sent.size();
  });
  EXPECT_TRUE(back == sent);
  EXPECT_LE(most, limits::stream_out_high_bytes + 2 * limits::read_buffer_bytes);
}

TEST_P(RoadTest, send_room_is_said_once_for_each_time_above_high) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer, 128 * 1024);
  send_text(*it.stream, pattern(8u << 20));
  std::string got;
  run_until([&] {
    peer.take(got);
    return got.size() == 8u << 20;
  });
  turns(3);
  EXPECT_EQ(it.events, "r");
  send_text(*it.stream, "small");
  run_until([&] {
    peer.take(got);
    return got.size() == (8u << 20) + 5;
  });
  turns(3);
  EXPECT_EQ(it.events, "r");
}

// ---- ends ----

TEST_P(RoadTest, a_stream_still_sends_after_the_peers_end) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  peer.send("question");
  peer.finish();
  run_until([&] { return it.saw('e'); });
  EXPECT_EQ(it.got, "question");
  turns(3);
  EXPECT_FALSE(it.closed);
  send_text(*it.stream, "answer");
  std::string got;
  run_until([&] {
    peer.take(got);
    return got == "answer";
  });
  it.stream->close();
  run_until([&] { return it.closed; });
  EXPECT_EQ(it.events, "bex");
  EXPECT_EQ(it.error, StreamError::none);
  EXPECT_TRUE(peer.take(got));
  EXPECT_EQ(peer.error(), 0);
}

TEST_P(RoadTest, finish_sends_the_queue_then_fin_and_reading_goes_on) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  const std::string sent = pattern(4u << 20);
  send_text(*it.stream, sent);
  it.stream->finish();
  std::string got;
  bool ended = false;
  run_until([&] {
    ended = ended || peer.take(got);
    return ended;
  });
  EXPECT_TRUE(got == sent);
  peer.send("late words");
  run_until([&] { return it.got == "late words"; });
  EXPECT_FALSE(it.closed);
  peer.close();
  run_until([&] { return it.closed; });
  EXPECT_EQ(it.events, "rbex");
  EXPECT_EQ(it.error, StreamError::none);
}

TEST_P(RoadTest, both_sides_finished_is_closed_without_being_asked) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  peer.finish();
  run_until([&] { return it.saw('e'); });
  it.stream->finish();
  run_until([&] { return it.closed; });
  EXPECT_EQ(it.error, StreamError::none);
  EXPECT_EQ(road->open_streams(), 0u);
}

TEST_P(RoadTest, finish_inside_on_end_closes) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.at_end = [](Stream& stream) {
    send_text(stream, "bye");
    stream.finish();
  };
  peer.finish();
  std::string got;
  run_until([&] { return it.closed; });
  EXPECT_FALSE(peer.take(got));
  EXPECT_EQ(got, "bye");
  EXPECT_TRUE(peer.take(got));
}

TEST_P(RoadTest, close_sends_what_is_queued) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  const std::string sent = pattern(3u << 20);
  send_text(*it.stream, sent);
  it.stream->close();
  std::string got;
  bool ended = false;
  run_until([&] {
    ended = ended || peer.take(got);
    return ended;
  });
  EXPECT_TRUE(got == sent);
  EXPECT_EQ(peer.error(), 0);
  peer.close();
  run_until([&] { return it.closed; });
  EXPECT_EQ(it.error, StreamError::none);
}

TEST_P(RoadTest, no_bytes_are_delivered_after_close) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.at_bytes = [](Stream& stream, ByteView) { stream.close(); };
  peer.send("first");
  run_until([&] { return it.got == "first"; });
  peer.send("second");
  turns(5);
  EXPECT_EQ(it.got, "first");
  peer.close();
  run_until([&] { return it.closed; });
  EXPECT_EQ(it.events, "bx");
}

// An error answer to a request whose body is still under way: no RST may overtake it.
TEST_P(RoadTest, an_answer_survives_input_that_nobody_read) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.at_bytes = [](Stream& stream, ByteView) {
    send_text(stream, "413 too large");
    stream.close();
  };
  const std::string body = pattern(limits::linger_bytes_max / 2);
  std::size_t at = 0;
  std::string got;
  run_until([&] {
    if (at < body.size()) at += peer.try_send(std::string_view(body).substr(at, 10'000));
    return at == body.size();
  });
  bool ended = false;
  run_until([&] {
    ended = ended || peer.take(got);
    return ended;
  });
  EXPECT_EQ(got, "413 too large");
  EXPECT_EQ(peer.error(), 0);
  peer.close();
  run_until([&] { return it.closed; });
}

TEST_P(RoadTest, an_endless_sender_is_cut_off_after_close) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.stream->close();
  const std::string piece = pattern(256 * 1024);
  run_until([&] {
    (void)peer.try_send(piece);
    return it.closed;
  });
  EXPECT_EQ(it.error, StreamError::none);
}

TEST_P(RoadTest, a_peer_that_never_closes_is_closed_after_the_linger_time) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  const Instant before = monotonic_now();
  it.stream->close();
  run_until([&] { return it.closed; });
  EXPECT_GE(monotonic_now() - before, Duration(limits::linger_timeout));
  EXPECT_EQ(it.error, StreamError::none);
}

TEST_P(RoadTest, close_of_a_paused_stream_discards_and_ends) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.stream->pause_read();
  turns(2);
  peer.send("unread");
  turns(3);
  it.stream->close();
  turns(2);
  peer.close();
  run_until([&] { return it.closed; });
  EXPECT_EQ(it.error, StreamError::none);
}

TEST_P(RoadTest, close_while_a_send_is_blocked_drains_first) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer, 128 * 1024);
  const std::string sent = pattern(6u << 20);
  send_text(*it.stream, sent);
  turns(3);
  EXPECT_GT(it.stream->out().size(), 0u);
  it.stream->close();
  turns(3);
  std::string got;
  bool ended = false;
  run_until([&] {
    ended = ended || peer.take(got);
    return ended;
  });
  EXPECT_TRUE(got == sent);
}

// ---- resets and aborts ----

TEST_P(RoadTest, a_reset_by_the_peer_is_told) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  peer.reset();
  run_until([&] { return it.closed; });
  EXPECT_EQ(it.error, StreamError::reset);
  EXPECT_EQ(it.events, "x");
}

TEST_P(RoadTest, a_reset_while_our_bytes_wait_is_told) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer, 128 * 1024);
  send_text(*it.stream, pattern(8u << 20));
  turns(3);
  peer.reset();
  run_until([&] { return it.closed; });
  EXPECT_EQ(it.error, StreamError::reset);
}

TEST_P(RoadTest, a_reset_after_the_peers_end_is_told) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  peer.finish();
  run_until([&] { return it.saw('e'); });
  turns(2);
  peer.reset();
  run_until([&] { return it.closed; });
  EXPECT_EQ(it.error, StreamError::reset);
  EXPECT_EQ(it.events, "ex");
}

TEST_P(RoadTest, sending_to_a_peer_that_went_away_ends_in_reset) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  peer.close();
  run_until([&] { return it.saw('e'); });
  run_until([&] {
    if (!it.closed) send_text(*it.stream, "anybody there?");
    return it.closed;
  });
  EXPECT_EQ(it.error, StreamError::reset);
}

TEST_P(RoadTest, words_before_a_reset_are_read_although_sending_fails) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.stream->pause_read();
  turns(2);
  peer.send("413");
  peer.close();  // FIN behind the words
  turns(3);
  it.stream->resume_read();
  send_text(*it.stream, "first");  // answered with RST
  road->submit();
  send_text(*it.stream, "second");
  road->submit();
  run_until([&] { return it.saw('e') || it.closed; });
  EXPECT_EQ(it.got, "413");
}

TEST_P(RoadTest, words_before_a_reset_are_read_after_a_pause) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.stream->pause_read();
  turns(2);
  const std::string words = pattern(100'000);
  peer.send(words);
  turns(5);
  peer.reset();
  turns(5);
  EXPECT_EQ(it.events, "");
  it.stream->finish();  // says nothing
  turns(3);
  it.stream->resume_read();
  run_until([&] { return it.closed; });
  EXPECT_TRUE(it.got == words);
  EXPECT_EQ(it.error, StreamError::reset);
}

TEST_P(RoadTest, a_failed_send_closes_a_paused_stream) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.stream->pause_read();
  turns(3);
  peer.reset();
  run_until([&] {
    if (!it.closed) send_text(*it.stream, "x");
    return it.closed;
  });
  EXPECT_EQ(it.error, StreamError::reset);
}

TEST_P(RoadTest, abort_with_unsent_bytes_sends_rst) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer, 128 * 1024);
  send_text(*it.stream, pattern(8u << 20));
  turns(3);
  it.stream->abort();
  EXPECT_FALSE(it.closed) << "on_closed must not come from inside abort()";
  run_until([&] { return it.closed; });
  EXPECT_EQ(it.error, StreamError::aborted);
  std::string got;
  run_until([&] { return peer.take(got); });
  EXPECT_EQ(peer.error(), ECONNRESET);
}

TEST_P(RoadTest, abort_without_unsent_bytes_sends_fin) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.stream->abort();
  run_until([&] { return it.closed; });
  std::string got;
  run_until([&] { return peer.take(got); });
  EXPECT_EQ(peer.error(), 0);
}

TEST_P(RoadTest, abort_inside_on_bytes_is_the_last_of_the_bytes) {
  acceptor.prepare = [](Recorder& it) {
    it.at_bytes = [](Stream& stream, ByteView) {
      stream.abort();
      stream.abort();
      stream.flush();
      stream.close();
      stream.finish();
      stream.resume_read();
    };
  };
  Peer peer(listen_at());
  peer.send(pattern(300'000));
  run_until([&] { return acceptor.accepted.size() == 1 && acceptor.accepted[0]->closed; });
  EXPECT_EQ(acceptor.accepted[0]->events, "bx");
  EXPECT_EQ(acceptor.accepted[0]->error, StreamError::aborted);
}

TEST_P(RoadTest, abort_inside_on_accept_is_closed_once) {
  acceptor.prepare = [](Recorder& it) {
    send_text(*it.stream, "x");
    it.stream->abort();
  };
  Peer peer(listen_at());
  run_until([&] { return acceptor.accepted.size() == 1 && acceptor.accepted[0]->closed; });
  EXPECT_EQ(acceptor.accepted[0]->events, "x");
}

TEST_P(RoadTest, one_stream_may_abort_another_in_its_own_call) {
  const Endpoint at = listen_at();
  Peer a, b;
  Recorder& first = accept_one(at, a);
  Recorder& second = accept_one(at, b);
  const auto abort_both = [&](Stream&, ByteView) {
    first.stream->abort();
    second.stream->abort();
  };
  first.at_bytes = second.at_bytes = abort_both;
  a.send("x");
  b.send("y");
  run_until([&] { return first.closed && second.closed; });
  EXPECT_EQ(first.got.size() + second.got.size(), 1u);
}

TEST_P(RoadTest, abort_while_lingering_closes_at_once) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.stream->close();
  turns(2);
  EXPECT_FALSE(it.closed);
  it.stream->abort();
  run_until([&] { return it.closed; });
}

// ---- pausing ----

TEST_P(RoadTest, a_paused_stream_gets_at_most_one_more_delivery) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  const std::string sent = pattern(2u << 20);
  std::size_t deliveries_after = 0;
  bool paused = false;
  it.at_bytes = [&](Stream& stream, ByteView) {
    if (paused) ++deliveries_after;
    paused = true;
    stream.pause_read();
  };
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at += peer.try_send(std::string_view(sent).substr(at));
    turn(std::chrono::milliseconds(1));
  }
  EXPECT_LE(deliveries_after, 1u);
  it.at_bytes = nullptr;
  it.stream->resume_read();
  run_until([&] {
    at += peer.try_send(std::string_view(sent).substr(at));
    return it.got.size() == sent.size();
  });
  EXPECT_TRUE(it.got == sent);
}

TEST_P(RoadTest, pausing_and_resuming_at_every_delivery_loses_nothing) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  const std::string sent = pattern(4u << 20);
  it.at_bytes = [](Stream& stream, ByteView) {
    stream.pause_read();
    stream.resume_read();
    stream.pause_read();
  };
  std::size_t at = 0;
  run_until([&] {
    at += peer.try_send(std::string_view(sent).substr(at, 100'000));
    if (it.stream != nullptr) it.stream->resume_read();
    if (at == sent.size()) peer.finish();
    return it.saw('e');
  });
  EXPECT_TRUE(it.got == sent);
}

TEST_P(RoadTest, an_end_during_a_pause_is_told_after_resuming) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  it.stream->pause_read();
  turns(2);
  peer.send("last");
  peer.finish();
  turns(5);
  it.stream->resume_read();
  run_until([&] { return it.saw('e'); });
  EXPECT_EQ(it.events, "be");
  EXPECT_EQ(it.got, "last");
}

TEST_P(RoadTest, paused_streams_do_not_stop_the_others) {
  const Endpoint at = listen_at();
  std::vector<Peer> peers(50);
  for (Peer& peer : peers) {
    Recorder& it = accept_one(at, peer);
    it.stream->pause_read();
  }
  turns(2);
  const std::string bulk = pattern(1u << 20);
  for (Peer& peer : peers) (void)peer.try_send(bulk);
  turns(3);
  Peer active;
  Recorder& it = accept_one(at, active);
  const std::string sent = pattern(4u << 20);
  std::size_t from = 0;
  run_until([&] {
    from += active.try_send(std::string_view(sent).substr(from));
    return it.got.size() == sent.size();
  });
  EXPECT_TRUE(it.got == sent);
}

// ---- connecting ----

TEST_P(RoadTest, a_connection_is_made_and_used) {
  acceptor.prepare = [](Recorder& it) { it.at_bytes = echo; };
  const Endpoint at = listen_at();
  Recorder client;
  client.at_connected = [](Stream& stream) { send_text(stream, "ping"); };
  client.stream = road->connect(at, client);
  ASSERT_NE(client.stream, nullptr);
  EXPECT_EQ(client.events, "");
  run_until([&] { return client.got == "ping"; });
  client.stream->close();
  run_until([&] { return acceptor.accepted[0]->saw('e'); });
  acceptor.accepted[0]->stream->close();
  run_until([&] { return client.closed && acceptor.accepted[0]->closed; });
  EXPECT_EQ(client.events, "cbx");
  EXPECT_EQ(road->open_streams(), 0u);
}

TEST_P(RoadTest, bytes_queued_before_the_connection_stands_are_sent) {
  const Endpoint at = listen_at();
  Recorder client;
  client.stream = road->connect(at, client);
  send_text(*client.stream, "early");
  client.stream->finish();
  run_until([&] { return acceptor.accepted.size() == 1 && acceptor.accepted[0]->saw('e'); });
  EXPECT_EQ(acceptor.accepted[0]->got, "early");
}

TEST_P(RoadTest, a_refused_connection_is_told) {
  const Endpoint at = listen_at();
  road->stop_listening();
  turns(2);
  Recorder client;
  client.stream = road->connect(at, client);
  run_until([&] { return client.closed; });
  EXPECT_EQ(client.events, "x");
  EXPECT_EQ(client.error, StreamError::refused);
  EXPECT_EQ(road->open_streams(), 0u);
}

TEST_P(RoadTest, an_unreachable_address_is_told) {
  Recorder client;
  // No zone: no route. And loopback is never on a wire.
  const char* nowhere = kernel_listens() ? "[fe80::1]:80" : "127.0.0.1:80";
  client.stream = road->connect(*Endpoint::parse(nowhere), client);
  run_until([&] { return client.closed; });
  EXPECT_NE(client.error, StreamError::none);
}

TEST_P(RoadTest, aborting_a_connection_in_progress_is_closed_once) {
  if (!kernel_listens()) GTEST_SKIP() << "see stack_road_test.cc";
  // A listener whose queue is full: the handshake does not end.
  const int full = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto any = *Endpoint::parse("127.0.0.1:0");
  ASSERT_EQ(::bind(full, any.address(), any.length()), 0);
  ASSERT_EQ(::listen(full, 0), 0);
  const Endpoint at = local_endpoint(full, any);
  std::vector<Peer> fill;
  for (int i = 0; i < 2; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)::connect(fd, at.address(), at.length());
    fill.emplace_back(fd);
  }
  Recorder client;
  client.stream = road->connect(at, client);
  turns(3);
  EXPECT_EQ(client.events, "");
  client.stream->abort();
  run_until([&] { return client.closed; });
  EXPECT_EQ(client.error, StreamError::aborted);
  ::close(full);
}

// ---- listening ----

TEST_P(RoadTest, ipv6_works) {
  acceptor.prepare = [](Recorder& it) { it.at_bytes = echo; };
  const Endpoint at = listen_at("[::1]:0");
  Recorder client;
  client.at_connected = [](Stream& stream) { send_text(stream, "six"); };
  client.stream = road->connect(at, client);
  run_until([&] { return client.got == "six"; });
  EXPECT_TRUE(acceptor.accepted[0]->stream->peer().is_ipv6());
}

TEST_P(RoadTest, all_addresses_means_both_families) {
  const Endpoint at = listen_at(":0");
  const std::string port = ":" + std::to_string(at.port());
  Peer six(seen("[::1]" + port));
  Peer four(seen("127.0.0.1" + port));
  run_until([&] { return acceptor.accepted.size() == 2; });
  std::vector<std::string> ips;
  for (const auto& each : acceptor.accepted) ips.push_back(each->stream->peer().ip());
  std::sort(ips.begin(), ips.end());
  std::vector<std::string> theirs{
      local_endpoint(four.fd(), {}).ip(), local_endpoint(six.fd(), {}).ip()
  };
  std::sort(theirs.begin(), theirs.end());
  EXPECT_EQ(ips, theirs);
}

TEST_P(RoadTest, a_refused_accept_closes_without_a_word) {
  acceptor.refuse = true;
  Peer peer(listen_at());
  std::string got;
  run_until([&] { return peer.take(got); });
  EXPECT_EQ(acceptor.refused, 1u);
  EXPECT_EQ(road->open_streams(), 0u);
}

TEST_P(RoadTest, streams_outlive_stop_listening) {
  const Endpoint at = listen_at();
  Peer peer;
  Recorder& it = accept_one(at, peer);
  road->stop_listening();
  turns(2);
  EXPECT_EQ(Peer(at).error(), ECONNREFUSED);
  peer.send("still here");
  run_until([&] { return it.got == "still here"; });
}

TEST_P(RoadTest, two_listeners_have_their_own_handlers) {
  const Endpoint first = listen_at();
  Acceptor other;
  const Endpoint second = listen_at("127.0.0.1:0", other);
  Peer a(first), b(second);
  run_until([&] { return acceptor.accepted.size() == 1 && other.accepted.size() == 1; });
  road.reset();  // before `other` goes
}

TEST_P(RoadTest, out_of_descriptors_is_counted_and_accepting_goes_on_later) {
  if (!kernel_listens()) GTEST_SKIP() << "no descriptors";
  const auto any = *Endpoint::parse("127.0.0.1:0");
  const auto socket = listen_socket(any);
  ASSERT_TRUE(socket);
  std::vector<Peer> peers;
  for (int i = 0; i < 4; ++i) peers.emplace_back(local_endpoint(*socket, any));
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  const int next = ::dup(0);
  ::close(next);
  const rlimit low{static_cast<rlim_t>(next), old.rlim_max};
  setrlimit(RLIMIT_NOFILE, &low);
  road->listen({any, *socket}, acceptor);
  const Instant end = monotonic_now() + 3 * limits::accept_backoff;
  std::uint64_t turns_taken = 0;
  while (monotonic_now() < end) {
    turn(limits::accept_backoff);
    ++turns_taken;
  }
  setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_GE(road->accept_errors(), 1u);
  EXPECT_LT(turns_taken, 60u) << "the loop spins";
  run_until([&] { return acceptor.accepted.size() == 4; });
}

// ---- many ----

TEST_P(RoadTest, thousands_of_short_connections_leave_nothing_behind) {
  acceptor.prepare = [](Recorder& it) {
    it.at_bytes = [](Stream& stream, ByteView bytes) {
      echo(stream, bytes);
      stream.close();
    };
  };
  const Endpoint at = listen_at();
  for (int round = 0; round < 60; ++round) {
    std::vector<Peer> peers;
    for (int i = 0; i < 50; ++i) {
      peers.emplace_back(at);
      peers.back().send("x");
    }
    std::size_t open = peers.size();
    run_until([&] {
      for (Peer& peer : peers) {
        std::string got;
        if (peer.fd() >= 0 && peer.take(got)) {
          peer.close();
          --open;
        }
      }
      return open == 0;
    });
  }
  run_until([&] { return road->open_streams() == 0; });
  EXPECT_EQ(acceptor.accepted.size(), 3000u);
  for (const auto& each : acceptor.accepted) EXPECT_EQ(each->events, "bx");
}

TEST_P(RoadTest, a_thousand_streams_at_once) {
  acceptor.prepare = [](Recorder& it) { it.at_bytes = echo; };
  const Endpoint at = listen_at();
  std::vector<Peer> peers;
  for (int i = 0; i < 1000; ++i) {
    peers.emplace_back(at);
    if (i % 100 == 0) turn(std::chrono::milliseconds(0));
  }
  run_until([&] { return road->open_streams() == peers.size(); });
  std::vector<std::string> got(peers.size());
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < peers.size(); ++i) peers[i].send("r" + std::to_string(i % 10));
    run_until([&] {
      bool all = true;
      for (std::size_t i = 0; i < peers.size(); ++i) {
        if (got[i].size() < std::size_t(round + 1) * 2) peers[i].take(got[i], 64);
        all = all && got[i].size() == std::size_t(round + 1) * 2;
      }
      return all;
    });
  }
  for (Peer& peer : peers) peer.reset();
  run_until([&] { return acceptor.accepted.back()->closed && road->open_streams() == 0; });
}

TEST_P(RoadTest, more_full_deliveries_than_receive_buffers_lose_nothing) {
  const Endpoint at = listen_at();
  std::vector<Peer> peers(400);
  const std::string sent = pattern(200'000);
  std::vector<Recorder*> recorders;
  for (Peer& peer : peers) recorders.push_back(&accept_one(at, peer));
  std::vector<std::size_t> from(peers.size(), 0);
  run_until([&] {
    bool all = true;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (from[i] < sent.size())
        from[i] += peers[i].try_send(std::string_view(sent).substr(from[i]));
      all = all && recorders[i]->got.size() == sent.size();
    }
    return all;
  });
  for (const Recorder* each : recorders) EXPECT_TRUE(each->got == sent);
}

// ---- the loop ----

TEST_P(RoadTest, wake_ends_a_wait_from_another_thread) {
  for (int i = 0; i < 20; ++i) {
    std::thread waker([&] { road->wake(); });
    const Instant now = monotonic_now();
    road->wait(now, Instant::never());  // hangs if the wake is lost
    waker.join();
    road->wait(now, now);  // takes a wake that came after the wait began with an earlier one
  }
}

TEST_P(RoadTest, a_deadline_ends_a_wait) {
  const Instant end = monotonic_now() + std::chrono::milliseconds(30);
  for (Instant now = monotonic_now(); now < end; now = monotonic_now()) road->wait(now, end);
}

TEST_P(RoadTest, a_past_deadline_does_not_wait_but_dispatches) {
  Peer peer;
  Recorder& it = accept_one(listen_at(), peer);
  peer.send("x");
  while (it.got.empty()) {
    const Instant now = monotonic_now();
    road->submit();
    road->wait(now, now);
  }
}

TEST_P(RoadTest, a_road_may_go_while_streams_are_open) {
  const Endpoint at = listen_at();
  std::vector<Peer> peers(20);
  for (Peer& peer : peers) send_text(*accept_one(at, peer, 128 * 1024).stream, pattern(4u << 20));
  Recorder client;
  client.stream = road->connect(at, client);
  road->submit();
  road.reset();
  EXPECT_FALSE(client.closed);
}

// Two roads on two threads push random bytes at each other, pausing, finishing and aborting at
// random.
TEST_P(RoadTest, random_life_of_many_streams_keeps_the_order_of_events) {
  std::uint32_t state = 42;
  const auto random = [&state](std::uint32_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
  };
  const std::string bulk = pattern(100'000);
  std::vector<std::unique_ptr<Recorder>> clients;
  const auto act = [&](Stream& stream) {
    switch (random(16)) {
      case 0:
        return stream.abort();
      case 1:
        return stream.close();
      case 2:
        return stream.finish();
      case 3:
        return stream.pause_read();
      default:
        if (!stream.above_high())
          send_text(stream, std::string_view(bulk).substr(0, random(100'000)));
    }
  };
  const auto prepare = [&](Recorder& it) {
    it.at_bytes = [&](Stream& stream, ByteView) { act(stream); };
    it.at_end = it.at_room = it.at_connected = act;
  };
  acceptor.prepare = prepare;
  const Endpoint at = listen_at();
  for (int round = 0; round < 400; ++round) {
    clients.push_back(std::make_unique<Recorder>());
    prepare(*clients.back());
    clients.back()->stream = road->connect(at, *clients.back());
    turn(std::chrono::milliseconds(0));
    for (auto* all : {&clients, &acceptor.accepted}) {
      if (all->empty()) continue;
      Recorder& it = *(*all)[random(static_cast<std::uint32_t>(all->size()))];
      if (it.stream != nullptr) it.stream->resume_read();
    }
  }
  acceptor.prepare = nullptr;
  for (auto* all : {&clients, &acceptor.accepted}) {
    for (auto& each : *all) {
      each->at_bytes = nullptr;
      each->at_end = each->at_room = each->at_connected = nullptr;
      if (each->stream != nullptr) each->stream->abort();
    }
  }
  turns(20);
  for (auto& each : acceptor.accepted) {
    if (each->stream != nullptr) each->stream->abort();
  }
  run_until([&] { return road->open_streams() == 0; });
  for (auto& each : clients) EXPECT_TRUE(each->closed);
  for (auto& each : acceptor.accepted) EXPECT_TRUE(each->closed);
}

}  // namespace
}  // namespace gh::net
