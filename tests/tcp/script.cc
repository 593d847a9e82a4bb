// SPDX-License-Identifier: Apache-2.0
#include "tests/tcp/script.h"

#include "dataplane/net/wire/bytes.h"
#include "dataplane/net/wire/checksum.h"
#include "tests/support/tcp_sim.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gh::test {
namespace {

using wire::TcpFlags;
using wire::TcpHeader;

struct Failure {
  std::string text;
};

std::uint64_t number(const std::string& text) {
  try {
    return std::stoull(text, nullptr, 0);
  } catch (...) {
    throw Failure{"not a number: " + text};
  }
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> out;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, by);) out.push_back(part);
  return out;
}

std::string flags_text(std::uint8_t flags) {
  std::string out;
  if ((flags & TcpFlags::syn) != 0) out += 'S';
  if ((flags & TcpFlags::fin) != 0) out += 'F';
  if ((flags & TcpFlags::rst) != 0) out += 'R';
  if ((flags & TcpFlags::ack) != 0) out += '.';
  return out;  // PSH is a hint and not compared
}

// One line after "<" or ">": flags, then words and their values.
struct Pattern {
  std::uint8_t flags = 0;
  std::uint64_t seq = 0, end = 0, ack = 0;
  bool has_ack = false, has_window = false, no_ts = false, has_ts = false, fill = false;
  std::uint64_t window = 0, mss = 0, ts_value = 0, ts_echo = 0;
  int fill_byte = 0;
  std::string wscale, sack_ok;
  bool has_sack = false;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> sack;
};

Pattern parse_pattern(std::stringstream& in) {
  Pattern p;
  std::string flags, word, value;
  in >> flags;
  for (const char c : flags) {
    switch (c) {
      case 'S':
        p.flags |= TcpFlags::syn;
        break;
      case 'F':
        p.flags |= TcpFlags::fin;
        break;
      case 'R':
        p.flags |= TcpFlags::rst;
        break;
      case '.':
        p.flags |= TcpFlags::ack;
        break;
      case 'P':
        p.flags |= TcpFlags::psh;
        break;
      case '-':
        break;
      default:
        throw Failure{"flags: " + flags};
    }
  }
  while (in >> word) {
    if (word == "sack_ok") {
      p.sack_ok = "yes";
    } else if (word == "no_sack_ok") {
      p.sack_ok = "no";
    } else if (word == "nots") {
      p.no_ts = true;
    } else if (!(in >> value)) {
      throw Failure{word + " has no value"};
    } else if (word == "seq") {
      const auto parts = split(value, ':');
      p.seq = number(parts[0]);
      p.end = parts.size() > 1 ? number(parts[1]) : p.seq;
    } else if (word == "ack") {
      p.ack = number(value);
      p.has_ack = true;
    } else if (word == "win") {
      p.window = number(value);
      p.has_window = true;
    } else if (word == "mss") {
      p.mss = number(value);
    } else if (word == "wscale") {
      p.wscale = value;
    } else if (word == "ts") {
      const auto parts = split(value, ':');
      p.ts_value = number(parts[0]);
      p.ts_echo = parts.size() > 1 ? number(parts[1]) : 0;
      p.has_ts = true;
    } else if (word == "fill") {
      p.fill = true;
      p.fill_byte = static_cast<int>(number(value));
    } else if (word == "sack") {
      p.has_sack = true;
      for (const std::string& block : split(value, ',')) {
        if (block == "none") continue;
        const auto parts = split(block, ':');
        p.sack.emplace_back(number(parts[0]), number(parts.at(1)));
      }
    } else {
      throw Failure{"unknown word: " + word};
    }
  }
  return p;
}

struct Out {
  TcpHeader header;
  std::uint32_t payload = 0;
  Instant at;
};

// The stack, its one user, and the peer's view.
class Stage final : public tcp::Handler, public tcp::Acceptor {
 public:
  void step(const std::string& line) {
    std::stringstream in(line);
    std::string word;
    in >> word;
    if (word[0] == '+') {
      advance(Duration(static_cast<std::int64_t>(std::stod(word.substr(1)) * 1e9)));
      if (!(in >> word)) return;
    }
    if (word == "set") return set(in);
    start();
    if (word == "<") return inject(in);
    if (word == ">") return expect_segment(in);
    if (word == "none") {
      flush();
      if (!out_.empty()) throw Failure{"nothing was to be sent, but: " + describe(out_.front())};
      return;
    }
    if (word == "drain") {
      flush();
      return out_.clear();
    }
    if (word == "expect") return expect(in);
    command(word, in);
  }

  void end() {
    flush();
    if (!out_.empty()) throw Failure{"sent, and not expected: " + describe(out_.front())};
  }

  tcp::Handler* on_accept(tcp::Connection& c) noexcept override {
    connection_ = &c;
    accepted_ = true;
    return this;
  }

  void on_connected(tcp::Connection&) noexcept override { connected_ = true; }

  void on_bytes(tcp::Connection&, ByteView bytes) noexcept override {
    got_.insert(got_.end(), bytes.begin(), bytes.end());
  }

  void on_end(tcp::Connection&) noexcept override { ended_ = true; }

  void on_send_room(tcp::Connection&) noexcept override { write(); }

  void on_closed(tcp::Connection&, tcp::CloseReason reason) noexcept override {
    static constexpr const char* names[] = {
        "none", "reset", "refused", "unreachable", "timed_out", "aborted", "no_memory"
    };
    closed_ = names[static_cast<int>(reason)];
    connection_ = nullptr;
  }

 private:
  void set(std::stringstream& in) {
    std::string key, value;
    in >> key >> value;
    if (key == "timestamps") {
      config_.timestamps = value == "on";
    } else if (key == "sack") {
      config_.sack = value == "on";
    } else if (key == "wscale") {
      config_.window_scale = value == "on";
    } else if (key == "congestion") {
      config_.congestion =
          value == "cubic" ? tcp::CongestionKind::cubic : tcp::CongestionKind::new_reno;
    } else if (key == "half_open") {
      config_.half_open_max = number(value);
    } else if (key == "peer_isn") {
      peer_isn_ = static_cast<std::uint32_t>(number(value));
    } else if (key == "v6") {
      v6_ = true;
    } else if (key == "per_source") {
      config_.connections_per_source_max = number(value);
    } else if (key == "mtu") {
      mtu_ = static_cast<std::uint16_t>(number(value));
    } else {
      throw Failure{"set: " + key};
    }
  }

  void start() {
    if (host_ != nullptr) return;
    config_.secret = {1, 2};
    config_.connections_max = 64;
    config_.source_slots = 64;
    wire::HostConfig ip;
    ip.mac = {{2, 0, 0, 0, 0, 1}};
    ip.detect_duplicates = false;
    ip.mtu = mtu_;
    ip.neighbors_max = 8;
    ip.addresses = {*wire::Network::parse(v6_ ? "2001:db8::1/64" : "10.0.0.1/24")};
    host_ = std::make_unique<SimHost>(ip, config_, now_);
    us_ = {ip.addresses[0].address, 443};
    peer_ = {*wire::IpAddress::parse(v6_ ? "2001:db8::2" : "10.0.0.2"), 5000};
    flush();
    learn_peer();
    learned_ = true;
    out_.clear();
  }

  // The peer's link address is known from here on, so that no ARP stands between the segments.
  void learn_peer() {
    if (v6_) {
      std::uint8_t message[32] = {135};
      std::memcpy(message + 8, us_.address.bytes.data(), 16);
      message[24] = message[25] = 1;
      std::memcpy(message + 26, peer_mac_.bytes.data(), 6);
      icmp(wire::protocol_icmpv6, {message, 32}, 255);
      return;
    }
    const auto frame = make_arp_frame(peer_mac_, peer_.address, us_.address);
    host_->stack.on_frame(frame_of(host_->frames, frame), now_);
    flush();
  }

  void icmp(std::uint8_t protocol, ByteView body, std::uint8_t hops) {
    std::vector<std::uint8_t> message(body.begin(), body.end());
    wire::IpHeader ip;
    ip.from = peer_.address;
    ip.to = us_.address;
    ip.protocol = protocol;
    ip.hop_limit = hops;
    ip.payload_bytes = static_cast<std::uint32_t>(message.size());
    const std::uint64_t pseudo =
        v6_ ? wire::pseudo_header_sum(ip.from, ip.to, protocol, message.size()) : 0;
    const auto sum = wire::checksum_fold(wire::checksum_add(pseudo, message));
    wire::store_checksum(message.data() + 2, static_cast<std::uint16_t>(~sum));
    std::vector<std::uint8_t> frame(14 + wire::IpHeader::bytes_for(ip.to));
    wire::EthernetHeader ethernet;
    ethernet.to = host_->host.config().mac;
    ethernet.from = peer_mac_;
    ethernet.ethertype = v6_ ? wire::ethertype_ipv6 : wire::ethertype_ipv4;
    ethernet.write(frame.data());
    ip.write(frame.data() + 14, true);
    frame.insert(frame.end(), message.begin(), message.end());
    host_->stack.on_frame(frame_of(host_->frames, frame), now_);
    flush();
  }

  void inject_icmp(std::stringstream& in) {
    std::string kind, word;
    std::uint64_t mtu = 0, seq = 0;
    in >> kind;
    if (kind == "too_big") in >> mtu;
    in >> word >> seq;  // "seq" N
    std::vector<std::uint8_t> message(8 + wire::IpHeader::bytes_for(us_.address) + 8);
    if (v6_) {
      message[0] = kind == "too_big" ? 2 : 1;
      message[1] = kind == "port_unreachable" ? 4 : 0;
    } else {
      message[0] = 3;
      message[1] = kind == "too_big" ? 4 : kind == "port_unreachable" ? 3 : 1;
    }
    wire::store32(message.data() + 4, static_cast<std::uint32_t>(mtu));
    wire::IpHeader quoted;
    quoted.from = us_.address;
    quoted.to = peer_.address;
    quoted.protocol = wire::protocol_tcp;
    quoted.payload_bytes = 1000;
    quoted.write(message.data() + 8, true);
    std::uint8_t* tcp = message.data() + message.size() - 8;
    wire::store16(tcp, us_.port);
    wire::store16(tcp + 2, peer_.port);
    wire::store32(tcp + 4, our_isn_ + static_cast<std::uint32_t>(seq));
    icmp(v6_ ? wire::protocol_icmpv6 : wire::protocol_icmp, message, 64);
  }

  void inject(std::stringstream& in) {
    flush();
    if (!out_.empty()) throw Failure{"sent, and not expected: " + describe(out_.front())};
    const auto place = in.tellg();
    std::string first;
    in >> first;
    if (first == "icmp") return inject_icmp(in);
    in.seekg(place);
    const Pattern p = parse_pattern(in);
    TcpHeader h;
    h.flags = p.flags;
    h.seq = peer_isn_ + static_cast<std::uint32_t>(p.seq);
    if ((p.flags & TcpFlags::ack) != 0) h.ack = our_isn_ + static_cast<std::uint32_t>(p.ack);
    h.window = static_cast<std::uint16_t>(p.has_window ? p.window : 65'535);
    h.mss = static_cast<std::uint16_t>(p.mss);
    if (!p.wscale.empty()) h.window_shift = static_cast<std::int8_t>(number(p.wscale));
    h.sack_permitted = p.sack_ok == "yes";
    const bool syn = (p.flags & TcpFlags::syn) != 0;
    if (syn && p.has_ts) peer_ts_ = true;
    if (p.has_ts || (peer_ts_ && !syn && !p.no_ts && (p.flags & TcpFlags::rst) == 0)) {
      h.has_timestamps = true;
      h.ts_value = p.has_ts ? static_cast<std::uint32_t>(p.ts_value)
                            : static_cast<std::uint32_t>(10'000 + now_.ns / 1'000'000);
      h.ts_echo = p.has_ts && p.ts_echo != 0 ? static_cast<std::uint32_t>(p.ts_echo) : our_ts_;
    }
    for (const auto& [begin, end] : p.sack) {
      h.sack[h.sack_blocks++] = {
          our_isn_ + static_cast<std::uint32_t>(begin), our_isn_ + static_cast<std::uint32_t>(end)
      };
    }
    std::vector<std::uint8_t> payload(p.end - p.seq);
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = p.fill ? static_cast<std::uint8_t>(p.fill_byte) : stream_byte(7, p.seq + i);
    }
    const auto frame = make_tcp_frame(peer_mac_, host_->host.config().mac, peer_, us_, h, payload);
    host_->stack.on_frame(frame_of(host_->frames, frame), now_);
    flush();
  }

  void expect_segment(std::stringstream& in) {
    flush();
    const Pattern p = parse_pattern(in);
    if (out_.empty()) throw Failure{"nothing was sent"};
    const Out got = out_.front();
    out_.pop_front();
    const TcpHeader& h = got.header;
    if ((h.flags & TcpFlags::syn) != 0) our_isn_ = h.seq;
    const auto fails = [&](const char* what) {
      throw Failure{std::string(what) + ": " + describe(got)};
    };
    if (((h.flags ^ p.flags) & ~TcpFlags::psh) != 0) fails("other flags");
    if ((p.flags & TcpFlags::rst) == 0 || p.seq != 0) {
      if (h.seq != our_isn_ + static_cast<std::uint32_t>(p.seq)) fails("another seq");
    }
    if (got.payload != p.end - p.seq) fails("another length");
    if (p.has_ack && h.ack != peer_isn_ + static_cast<std::uint32_t>(p.ack)) fails("another ack");
    if (p.has_window && h.window != p.window) fails("another window");
    if (p.mss != 0 && h.mss != p.mss) fails("another MSS");
    if (p.wscale == "no"
            ? h.window_shift >= 0
            : !p.wscale.empty() && h.window_shift != static_cast<int>(number(p.wscale))) {
      fails("another window scale");
    }
    if (p.sack_ok == "yes" && !h.sack_permitted) fails("no SACK permitted");
    if (p.sack_ok == "no" && h.sack_permitted) fails("SACK permitted");
    if (p.no_ts && h.has_timestamps) fails("timestamps");
    if (p.has_ts && (!h.has_timestamps || h.ts_echo != p.ts_value)) fails("another timestamp echo");
    if (p.has_sack) {
      if (h.sack_blocks != p.sack.size()) fails("other SACK blocks");
      for (std::size_t i = 0; i < p.sack.size(); ++i) {
        if (h.sack[i].begin - peer_isn_ != p.sack[i].first ||
            h.sack[i].end - peer_isn_ != p.sack[i].second) {
          fails("other SACK blocks");
        }
      }
    }
  }

  void command(const std::string& word, std::stringstream& in) {
    tcp::Stack& stack = host_->stack;
    if (word == "listen") {
      stack.listen(us_, *this);
    } else if (word == "connect") {
      connection_ = stack.connect(peer_, *this, now_, us_.port);
      if (connection_ == nullptr) throw Failure{"connect() gave null"};
    } else if (word == "write") {
      std::string n;
      in >> n;
      to_write_ += number(n);
      write();
    } else if (connection_ == nullptr) {
      throw Failure{"there is no connection to " + word};
    } else if (word == "finish") {
      stack.finish(*connection_);
    } else if (word == "close") {
      stack.close(*connection_);
    } else if (word == "abort") {
      stack.abort(*connection_);
    } else if (word == "pause") {
      stack.pause_read(*connection_);
    } else if (word == "resume") {
      stack.resume_read(*connection_);
    } else {
      throw Failure{"unknown step: " + word};
    }
    flush();
  }

  void expect(std::stringstream& in) {
    flush();
    std::string what, value, got;
    in >> what >> value;
    if (what == "state") {
      got = std::string(tcp::name_of(state()));
    } else if (what == "received") {
      got = std::to_string(got_.size());
      for (std::size_t i = 0; i < got_.size(); ++i) {
        if (got_[i] != stream_byte(7, i + 1))
          throw Failure{"byte " + std::to_string(i) + " is another"};
      }
    } else if (what == "closed") {
      got = closed_.empty() ? "no" : closed_;
    } else if (what == "ended") {
      got = ended_ ? "yes" : "no";
    } else if (what == "accepted") {
      got = accepted_ ? "yes" : "no";
    } else if (what == "connected") {
      got = connected_ ? "yes" : "no";
    } else if (what == "connections") {
      got = std::to_string(host_->stack.connections());
    } else if (what == "left") {
      got = std::to_string(to_write_);
    } else if (what == "counter") {
      std::string n;
      in >> n;
      got = "unknown";
      host_->stack.counters().each([&](std::string_view name, const Counter& counter) {
        if (name == value) got = std::to_string(counter.read());
      });
      value = n;
    } else {
      throw Failure{"expect " + what};
    }
    if (got != value) throw Failure{what + " is " + got};
  }

  tcp::State state() {
    tcp::State found = tcp::State::closed;
    host_->stack.each_connection([&](tcp::Connection& c) { found = c.state(); });
    return found;
  }

  void write() {
    while (connection_ != nullptr && to_write_ > 0) {
      const std::vector<std::uint8_t> bytes(to_write_, 'x');
      const std::size_t taken = host_->stack.send(*connection_, bytes);
      to_write_ -= taken;
      if (taken < bytes.size()) return;
    }
  }

  void flush() {
    host_->stack.poll(now_);
    while (wire::Frame* frame = host_->host.output().pop_front()) {
      const std::size_t l3 = v6_ ? 40 : 20;
      const std::uint8_t protocol = frame->size() > 34 ? frame->data()[v6_ ? 20 : 23] : 0;
      const std::uint16_t type = wire::load16(frame->data() + 12);
      if (type != wire::ethertype_arp && protocol == wire::protocol_tcp) {
        const ByteView segment = frame->bytes().subspan(14 + l3);
        const auto header = TcpHeader::parse(segment);
        if (header) {
          if (header->has_timestamps) our_ts_ = header->ts_value;
          out_.push_back(
              {*header, static_cast<std::uint32_t>(segment.size()) - header->header_bytes, now_}
          );
        }
      }
      // The peer answers questions for its link address.
      const bool asks = type == wire::ethertype_arp
                            ? frame->data()[21] == 1
                            : v6_ && protocol == wire::protocol_icmpv6 && frame->data()[54] == 135;
      wire::give(frame);
      if (asks && learned_) learn_peer();
    }
  }

  void advance(Duration by) {
    start();
    const Instant until = now_ + by;
    flush();
    while (true) {
      const Instant next = std::min(host_->stack.next_deadline(), host_->host.next_deadline());
      if (next > until) break;
      now_ = std::max(now_ + std::chrono::microseconds(1), next);
      if (now_ > until) break;
      flush();
    }
    now_ = until;
    flush();
  }

  std::string describe(const Out& out) const {
    const TcpHeader& h = out.header;
    std::string text = flags_text(h.flags) + " seq " + std::to_string(h.seq - our_isn_);
    if (out.payload > 0) text += ":" + std::to_string(h.seq - our_isn_ + out.payload);
    if (h.has(TcpFlags::ack)) text += " ack " + std::to_string(h.ack - peer_isn_);
    text += " win " + std::to_string(h.window);
    if (h.mss != 0) text += " mss " + std::to_string(h.mss);
    for (std::size_t i = 0; i < h.sack_blocks; ++i) {
      text += (i == 0 ? " sack " : ",") + std::to_string(h.sack[i].begin - peer_isn_) + ":" +
              std::to_string(h.sack[i].end - peer_isn_);
    }
    return text + " at " + std::to_string(static_cast<double>(out.at.ns) * 1e-9);
  }

  tcp::StackConfig config_;
  std::unique_ptr<SimHost> host_;
  wire::MacAddress peer_mac_{{2, 0, 0, 0, 0, 2}};
  tcp::Endpoint us_, peer_;
  Instant now_{1'000'000'000};
  std::deque<Out> out_;
  std::uint32_t our_isn_ = 0, peer_isn_ = 1000, our_ts_ = 0;
  std::uint16_t mtu_ = 1500;
  bool v6_ = false, learned_ = false, peer_ts_ = false, accepted_ = false, connected_ = false,
       ended_ = false;
  std::string closed_;
  tcp::Connection* connection_ = nullptr;
  std::size_t to_write_ = 0;
  std::vector<std::uint8_t> got_;
};

}  // namespace

std::vector<Script> read_scripts(const std::string& folder) {
  std::vector<Script> out;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".tcp") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::ifstream in(file);
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      if (line.starts_with("== ")) {
        out.push_back({file.filename(), line.substr(3), number, {}});
      } else if (!out.empty()) {
        out.back().steps.push_back(line);
      }
    }
  }
  return out;
}

std::string run_script(const Script& script) {
  Stage stage;
  int line = script.line;
  try {
    for (const std::string& step : script.steps) {
      ++line;
      const std::string text = step.substr(0, step.find('#'));
      if (text.find_first_not_of(" \t") != std::string::npos) stage.step(text);
    }
    stage.end();
  } catch (const Failure& failure) {
    return script.file + ":" + std::to_string(line) + ": " + failure.text;
  }
  return {};
}

}  // namespace gh::test
