// SPDX-License-Identifier: Apache-2.0
// The page of --html: one file, no scripts, nothing fetched; plots are inline SVG.
#include "bench/load/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gh::load {
namespace {

constexpr double width = 760, height = 260, left = 80, right = 20, top = 16, bottom = 34;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

struct Point {
  double x, y;
};

// Axes from 0 to 1 in both directions, made into pixels.
double pixel_x(double share) { return left + share * (width - left - right); }

double pixel_y(double share) { return height - bottom - share * (height - top - bottom); }

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" +
         escaped(text) + "</text>\n";
}

std::string rule(double x1, double y1, double x2, double y2) {
  return "<line class=\"grid\" x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" +
         number(x2) + "\" y2=\"" + number(y2) + "\"/>\n";
}

std::string curve(const std::vector<Point>& points, const char* name) {
  std::string out = "<polyline class=\"" + std::string(name) + "\" points=\"";
  for (const Point& point : points)
    out += number(pixel_x(point.x)) + "," + number(pixel_y(point.y)) + " ";
  return out + "\"/>\n";
}

std::string svg(const std::string& content) {
  return "<svg viewBox=\"0 0 " + number(width) + " " + number(height) + "\" role=\"img\">\n" +
         content + "</svg>\n";
}

std::string y_axis(double most, Unit unit) {
  std::string out;
  for (int i = 0; i <= 4; ++i) {
    const double y = pixel_y(i / 4.0);
    out += rule(left, y, width - right, y);
    out += label(left - 6, y + 4, "end", format_value(most * i / 4, unit));
  }
  return out;
}

// Latency over percentile, stretched towards 100 % by tenfolds: 0, 90, 99, 99.9, 99.99.
std::string latency_plot(const Report& report) {
  const Histogram& latency = report.total.latency;
  if (latency.count() == 0) return "<p>nothing was measured</p>\n";
  const double nines = std::clamp(std::log10(static_cast<double>(latency.count())), 1.0, 5.0);
  const double most = static_cast<double>(latency.max().count());
  std::string out = y_axis(most, Unit::nanoseconds);
  for (int i = 0; i <= static_cast<int>(nines); ++i) {
    const double percent = 100 - 100 / std::pow(10, i);
    const double x = pixel_x(i / nines);
    out += rule(x, top, x, height - bottom);
    out += label(x, height - bottom + 18, "middle", i == 0 ? "p0" : percentile_name(percent));
  }
  const auto points_of = [&](const Histogram& histogram) {
    std::vector<Point> points;
    constexpr int steps = 200;
    for (int i = 0; i <= steps; ++i) {
      const double x = static_cast<double>(i) / steps;
      const double percent = 100 - 100 / std::pow(10, x * nines);
      points.push_back(
          {x, static_cast<double>(histogram.percentile(percent).count()) / std::max(1.0, most)}
      );
    }
    return points;
  };
  out += curve(points_of(latency), "first");
  if (report.total.handshake.count() > 0 && report.total.handshake.max() <= latency.max())
    out += curve(points_of(report.total.handshake), "second");
  return svg(out);
}

std::string rate_plot(const Report& report) {
  const auto& samples = report.samples;
  if (samples.size() < 2) return "<p>the run was too short for a plot over time</p>\n";
  double most = 1;
  for (const Sample& sample : samples) most = std::max({most, sample.rate, sample.errors});
  const double begin = samples.front().seconds;
  const double span = std::max(1e-9, samples.back().seconds - begin);
  std::string out = y_axis(most, Unit::number);
  for (int i = 0; i <= 4; ++i) {
    const double x = pixel_x(i / 4.0);
    out += label(x, height - bottom + 18, "middle", number(begin + span * i / 4) + " s");
  }
  std::vector<Point> rates, errors;
  for (const Sample& sample : samples) {
    const double x = (sample.seconds - begin) / span;
    rates.push_back({x, sample.rate / most});
    errors.push_back({x, sample.errors / most});
  }
  return svg(out + curve(rates, "first") + curve(errors, "bad"));
}

std::string row(const std::string& name, const std::string& value) {
  return "<tr><th>" + escaped(name) + "</th><td>" + escaped(value) + "</td></tr>\n";
}

std::string latency_rows(const std::string& name, const Histogram& histogram) {
  if (histogram.count() == 0) return {};
  const auto text = [](Duration duration) {
    return format_value(static_cast<double>(duration.count()), Unit::nanoseconds);
  };
  std::string values = "mean " + text(histogram.mean());
  for (const double percent : percentiles)
    values += ", " + percentile_name(percent) + " " + text(histogram.percentile(percent));
  return row(name, values);
}

constexpr const char* style = R"(
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --faint: #d7dce3; --first: #1f6feb; --second: #8250df; --bad: #d1242f }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --faint: #30363d; --first: #58a6ff; --second: #bc8cff; --bad: #ff7b72 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 860px; margin: 2em auto; padding: 0 1em }
svg { width: 100%; height: auto } text { font-size: 12px; fill: var(--ink) }
.grid { stroke: var(--faint); stroke-width: 1 } polyline { fill: none; stroke-width: 2 }
.first { stroke: var(--first) } .second { stroke: var(--second) } .bad { stroke: var(--bad) }
.key-first { color: var(--first) } .key-second { color: var(--second) } .key-bad { color: var(--bad) }
table { border-collapse: collapse; width: 100% } th { text-align: left; vertical-align: top; padding: .2em 1em .2em 0; white-space: nowrap } td { padding: .2em 0; overflow-wrap: anywhere }
)";

}  // namespace

std::string report_html(
    const Options& options, const Report& report, const std::vector<Verdict>& verdicts
) {
  const std::string title = std::string(name_of(options.mode)) + " " + options.url;
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" +
                    escaped(title) + "</title><style>" + style + "</style></head><body>\n<h1>" +
                    escaped(title) + "</h1>\n<table>\n";
  out +=
      row("operations",
          format_value(static_cast<double>(report.total.done), Unit::number) + " in " +
              number(report.seconds) + " s");
  out += row("rate", format_value(report.rate(), Unit::number) + "/s");
  out += row("errors", std::to_string(report.total.errors()));
  for (const auto& [text, times] : report.total.texts)
    out += row("error", std::to_string(times) + " × " + text);
  out +=
      row("handshakes",
          std::to_string(report.total.full) + " full, " + std::to_string(report.total.resumed) +
              " resumed");
  for (const auto& [text, times] : report.total.protocols)
    out += row("protocol", text + " (" + std::to_string(times) + ")");
  out += latency_rows("latency", report.total.latency);
  if (report.uncorrected) out += latency_rows("uncorrected", *report.uncorrected);
  out += latency_rows("handshake", report.total.handshake);
  if (report.cpu_each())
    out += row("server CPU", format_value(*report.cpu_each(), Unit::nanoseconds) + " an operation");
  if (report.memory_each)
    out += row("server memory", format_value(*report.memory_each, Unit::bytes) + " a connection");
  for (const Verdict& verdict : verdicts)
    out +=
        row(verdict.held ? "held" : "NOT HELD",
            verdict.expectation.text + " (measured " +
                (verdict.measured ? format_value(*verdict.measured, verdict.expectation.unit)
                                  : "nothing") +
                ")");
  out += row("started", report.started) + row("machine", report.machine) +
         row("command", options.command);
  out +=
      "</table>\n<h2>Latency by percentile</h2>\n<p><span class=\"key-first\">■</span> operation "
      "<span class=\"key-second\">■</span> handshake</p>\n" +
      latency_plot(report);
  out +=
      "<h2>Rate over time</h2>\n<p><span class=\"key-first\">■</span> operations a second "
      "<span class=\"key-bad\">■</span> errors a second</p>\n" +
      rate_plot(report);
  return out + "</body></html>\n";
}

}  // namespace gh::load
