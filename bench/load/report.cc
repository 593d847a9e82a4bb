// SPDX-License-Identifier: Apache-2.0
#include "bench/load/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gh::load {
namespace {

template <class... Values>
void line(std::string& out, const char* format, Values... values) {
  char text[512];
  std::snprintf(text, sizeof text, format, values...);
  out += text;
  out += '\n';
}

std::string duration_text(Duration duration) {
  return format_value(static_cast<double>(duration.count()), Unit::nanoseconds);
}

unsigned long long number(std::uint64_t value) { return value; }

void tell_load(std::string& out, const Options& options, const Report& report) {
  for (const auto& [protocol, times] : report.total.protocols)
    line(out, "  protocol     %s (%llu connections)", protocol.c_str(), number(times));
  std::string load = std::to_string(options.connections) + " connections";
  if (options.streams > 1) load += " of " + std::to_string(options.streams) + " streams";
  if (options.rate > 0) {
    load += ", open loop of " + format_value(options.rate, Unit::number) + "/s";
  } else {
    load += ", closed loop";
  }
  load += ", " + std::to_string(options.threads) + (options.threads == 1 ? " thread" : " threads");
  if (options.identities.size() > 1)
    load += ", " + std::to_string(options.identities.size()) + " identities";
  line(out, "  load         %s, %s", load.c_str(), std::string(net::name_of(options.road)).c_str());
}

void tell_counts(std::string& out, const Options& options, const Report& report) {
  const Tally& total = report.total;
  const char* what = options.mode == Mode::watch ? "events" : "operations";
  const std::string bytes = format_value(static_cast<double>(total.bytes), Unit::bytes);
  line(
      out,
      "  %-12s %llu in %.2f s: %.1f/s, %llu errors, bodies %s",
      what,
      number(total.done),
      report.seconds,
      report.rate(),
      number(total.errors()),
      bytes.c_str()
  );
  if (options.mode == Mode::watch || options.mode == Mode::idle)
    line(out, "  standing     %llu", number(report.standing));
  if (total.full + total.resumed > 0)
    line(out, "  handshakes   %llu full, %llu resumed", number(total.full), number(total.resumed));
  if (total.unfinished > 0)
    line(
        out,
        "  unfinished   %llu, in the latencies with their age at the end",
        number(total.unfinished)
    );
  for (const auto& [text, times] : total.texts)
    line(out, "  error        %llu × %s", number(times), text.c_str());
}

// A bar for each percentile, on a scale where each tenfold takes the same room.
void tell_latency(std::string& out, const char* name, const Histogram& histogram) {
  if (histogram.count() == 0) return;
  line(
      out,
      "  %-12s mean %s, min %s",
      name,
      duration_text(histogram.mean()).c_str(),
      duration_text(histogram.min()).c_str()
  );
  constexpr double width = 40;
  const double low =
      std::log10(std::max<double>(1, static_cast<double>(histogram.min().count()))) - 0.1;
  const double high = std::log10(std::max<double>(1, static_cast<double>(histogram.max().count())));
  for (const double percent : percentiles) {
    const double beyond = static_cast<double>(histogram.count()) * (100 - percent) / 100;
    if (percent < 100 && beyond < 1) continue;  // the same as max
    const Duration value = histogram.percentile(percent);
    const double at = std::log10(std::max<double>(1, static_cast<double>(value.count())));
    const double share = high > low ? (at - low) / (high - low) : 1;
    std::string bar;
    for (int i = 0; i < static_cast<int>(std::lround(share * width)); ++i) bar += "▇";
    line(
        out,
        "    %-8s %9s  %s",
        percentile_name(percent).c_str(),
        duration_text(value).c_str(),
        bar.c_str()
    );
  }
}

void tell_server(std::string& out, const Report& report) {
  if (!report.used) return;
  const auto& used = *report.used;
  const auto ns = [](double value) { return format_value(value, Unit::nanoseconds); };
  line(
      out,
      "  server       %s%.2f processors busy (user %s, system %s), memory %s",
      report.cpu_each() ? (ns(*report.cpu_each()) + " CPU an operation, ").c_str() : "",
      report.seconds > 0 ? used.cpu_ns / report.seconds / 1e9 : 0,
      ns(used.user_ns).c_str(),
      ns(used.system_ns).c_str(),
      format_value(used.memory_bytes, Unit::bytes).c_str()
  );
  if (report.memory_each)
    line(
        out,
        "               %s more a connection",
        format_value(*report.memory_each, Unit::bytes).c_str()
    );
}

// ---- JSON ----

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string json_number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", std::isfinite(value) ? value : 0);
  return text;
}

std::string json_count(std::uint64_t value) { return std::to_string(value); }

// Members of an object, in order.
class Object {
 public:
  Object& add(std::string_view name, const std::string& json) {
    text_ += (text_.empty() ? "" : ", ") + json_string(name) + ": " + json;
    return *this;
  }

  std::string text() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

std::string us(Duration duration) {
  return json_number(static_cast<double>(duration.count()) / 1e3);
}

std::string json_latency(const Histogram& histogram) {
  Object out;
  out.add("count", json_count(histogram.count()));
  if (histogram.count() == 0) return out.text();
  out.add("min", us(histogram.min())).add("mean", us(histogram.mean()));
  for (const double percent : percentiles)
    out.add(percentile_name(percent), us(histogram.percentile(percent)));
  return out.text();
}

std::string json_counts(const std::map<std::string, std::uint64_t>& counts) {
  Object out;
  for (const auto& [name, times] : counts) out.add(name, json_count(times));
  return out.text();
}

std::string json_errors(const Tally& total) {
  Object by_kind;
  for (std::size_t i = 0; i < failures; ++i) {
    if (total.failed[i] > 0)
      by_kind.add(name_of(static_cast<Failure>(i)), json_count(total.failed[i]));
  }
  return Object()
      .add("count", json_count(total.errors()))
      .add("by_kind", by_kind.text())
      .add("by_text", json_counts(total.texts))
      .text();
}

std::string json_server(const Report& report) {
  if (!report.used) return "null";
  Object out;
  out.add(
         "cpu_us_per_operation", report.cpu_each() ? json_number(*report.cpu_each() / 1e3) : "null"
  )
      .add("cpu_seconds", json_number(report.used->cpu_ns / 1e9))
      .add("user_seconds", json_number(report.used->user_ns / 1e9))
      .add("system_seconds", json_number(report.used->system_ns / 1e9))
      .add("memory_bytes", json_number(report.used->memory_bytes))
      .add(
          "memory_bytes_per_connection",
          report.memory_each ? json_number(*report.memory_each) : "null"
      );
  return out.text();
}

std::string json_samples(const std::vector<Sample>& samples) {
  std::string out;
  for (const Sample& sample : samples) {
    out += out.empty() ? "\n    " : ",\n    ";
    out += "[" + json_number(sample.seconds) + ", " + json_number(sample.rate) + ", " +
           json_number(sample.errors) + ", " + json_number(sample.under_way) + "]";
  }
  return "[" + out + "]";
}

std::string json_verdicts(const std::vector<Verdict>& verdicts) {
  std::string out;
  for (const Verdict& verdict : verdicts) {
    out += out.empty() ? "" : ", ";
    out += Object()
               .add("expect", json_string(verdict.expectation.text))
               .add("measured", verdict.measured ? json_number(*verdict.measured) : "null")
               .add("held", verdict.held ? "true" : "false")
               .text();
  }
  return "[" + out + "]";
}

}  // namespace

std::string percentile_name(double percent) {
  if (percent >= 100) return "max";
  char text[16];
  std::snprintf(text, sizeof text, "p%g", percent);
  return text;
}

std::string summary_text(
    const Options& options, const Report& report, const std::vector<Verdict>& verdicts
) {
  std::string out;
  line(out, "%s %s", std::string(name_of(options.mode)).c_str(), options.url.c_str());
  tell_load(out, options, report);
  tell_counts(out, options, report);
  tell_latency(out, options.mode == Mode::watch ? "event age" : "latency", report.total.latency);
  if (report.uncorrected) tell_latency(out, "uncorrected", *report.uncorrected);
  if (options.by_connection() || options.mode == Mode::idle)
    tell_latency(out, "handshake", report.total.handshake);
  tell_server(out, report);
  for (const Verdict& verdict : verdicts) {
    const std::string measured =
        verdict.measured ? format_value(*verdict.measured, verdict.expectation.unit) : "nothing";
    line(
        out,
        "  %-12s %s (measured %s)",
        verdict.held ? "held" : "NOT HELD",
        verdict.expectation.text.c_str(),
        measured.c_str()
    );
  }
  if (report.interrupted) out += "  interrupted\n";
  if (!report.trouble.empty()) out += "  could not run: " + report.trouble + "\n";
  return out;
}

std::string report_json(
    const Options& options, const Report& report, const std::vector<Verdict>& verdicts
) {
  const Tally& total = report.total;
  Object out;
  out.add("schema", json_string("gatehouse-load/1"))
      .add("command", json_string(options.command))
      .add("started", json_string(report.started))
      .add("machine", json_string(report.machine))
      .add("mode", json_string(name_of(options.mode)))
      .add("url", json_string(options.url))
      .add("connections", json_count(options.connections))
      .add("streams", json_count(options.streams))
      .add("threads", json_count(options.threads))
      .add("road", json_string(net::name_of(options.road)))
      .add("rate_asked", options.rate > 0 ? json_number(options.rate) : "null")
      .add("seconds", json_number(report.seconds))
      .add("operations", json_count(total.done))
      .add("rate", json_number(report.rate()))
      .add("bytes", json_count(total.bytes))
      .add("handshakes_full", json_count(total.full))
      .add("handshakes_resumed", json_count(total.resumed))
      .add("standing", json_count(report.standing))
      .add("unfinished", json_count(total.unfinished))
      .add("errors", json_errors(total))
      .add("protocols", json_counts(total.protocols))
      .add("latency_us", json_latency(total.latency))
      .add("uncorrected_us", report.uncorrected ? json_latency(*report.uncorrected) : "null")
      .add("handshake_us", json_latency(total.handshake))
      .add("server", json_server(report))
      .add("expectations", json_verdicts(verdicts))
      .add("interrupted", report.interrupted ? "true" : "false")
      .add("trouble", report.trouble.empty() ? "null" : json_string(report.trouble))
      .add("exit_code", std::to_string(exit_code(options, report, verdicts)))
      .add("samples", json_samples(report.samples));
  return out.text() + "\n";
}

}  // namespace gh::load
