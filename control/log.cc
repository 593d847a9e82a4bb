// SPDX-License-Identifier: Apache-2.0
#include "control/log.h"

#include "base/json_text.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>

namespace gh::control {
namespace {

constexpr std::chrono::milliseconds nap{10};        // between two looks at quiet queues
constexpr std::size_t lines_per_turn_max = 16'384;  // of one queue, then the next one's turn

bool is_key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

bool needs_quotes(std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f || c == '"' || c == '\\' || c == '=') return true;
  }
  return value.empty();
}

// Where " key=" of the first field begins, or the end.
std::size_t first_field(std::string_view line) {
  for (std::size_t equals = line.find('='); equals != line.npos;
       equals = line.find('=', equals + 1)) {
    std::size_t begin = equals;
    while (begin > 0 && is_key_char(line[begin - 1])) --begin;
    if (begin < equals && (begin == 0 || line[begin - 1] == ' ')) return begin;
  }
  return line.size();
}

char unescaped(char c) { return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c; }

std::string take_quoted(std::string_view& rest) {
  std::string value;
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != '"') {
    const bool escape = rest.front() == '\\' && rest.size() > 1;
    if (escape) rest.remove_prefix(1);
    value += escape ? unescaped(rest.front()) : rest.front();
    rest.remove_prefix(1);
  }
  if (!rest.empty()) rest.remove_prefix(1);
  return value;
}

// No control byte of a peer reaches a terminal or makes a second line.
std::string one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else {
      static constexpr char hex[] = "0123456789abcdef";
      out += "\\x";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  return out;
}

std::string json_fields(const std::string& line) {
  const auto [text, fields] = split_event(line);
  std::string out = "\"msg\":" + json_quoted(text);
  for (const auto& [key, value] : fields) out += "," + json_quoted(key) + ":" + json_quoted(value);
  return out;
}

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

class LevelWord : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& into)
      override {
    const std::string_view word = message.level == spdlog::level::debug  ? "DEBUG"
                                  : message.level == spdlog::level::info ? "INFO"
                                  : message.level == spdlog::level::warn ? "WARN"
                                                                         : "ERROR";
    into.append(word.data(), word.data() + word.size());
  }

  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelWord>();
  }
};

std::shared_ptr<spdlog::logger> make_events(LogFormat format, LogLevel least) {
  auto logger =
      std::make_shared<spdlog::logger>("events", std::make_shared<spdlog::sinks::stderr_sink_st>());
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<LevelWord>('*');
  formatter->set_pattern(
      format == LogFormat::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%*",%v})"
                                : "%Y-%m-%dT%H:%M:%S.%eZ %* %v"
  );
  logger->set_formatter(std::move(formatter));
  logger->set_level(level_of(least));
  return logger;
}

// Throws spdlog_ex.
std::shared_ptr<spdlog::logger> make_access(const std::string& file) {
  spdlog::sink_ptr sink;
  if (file == "-") {
    sink = std::make_shared<spdlog::sinks::stdout_sink_st>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(file);
  }
  auto logger = std::make_shared<spdlog::logger>("access", std::move(sink));
  logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc)
  );
  return logger;
}

}  // namespace

std::string event_text(std::string_view text, std::initializer_list<LogField> fields) {
  std::string out(text);
  for (const LogField& field : fields) {
    out += " " + std::string(field.key) + "=" +
           (needs_quotes(field.value) ? json_quoted(field.value) : field.value);
  }
  return out;
}

std::pair<std::string, std::vector<std::pair<std::string, std::string>>> split_event(
    std::string_view line
) {
  const std::size_t begin = first_field(line);
  std::string_view rest = line.substr(begin);
  std::string text(line.substr(0, begin));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  std::vector<std::pair<std::string, std::string>> fields;
  while (!rest.empty()) {
    if (rest.front() == ' ') {
      rest.remove_prefix(1);
      continue;
    }
    const std::size_t equals = rest.find_first_of("= ");
    if (equals == rest.npos ||
        rest[equals] == ' ') {  // a bare word goes on with the value before it
      const std::string_view word = rest.substr(0, equals);
      (fields.empty() ? text : fields.back().second) += " " + std::string(word);
      rest.remove_prefix(word.size());
      continue;
    }
    std::string key(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    if (rest.starts_with('"')) {
      fields.emplace_back(std::move(key), take_quoted(rest));
    } else {
      const std::string_view value = rest.substr(0, rest.find(' '));
      fields.emplace_back(std::move(key), value);
      rest.remove_prefix(value.size());
    }
  }
  return {std::move(text), std::move(fields)};
}

struct LogWriter::Sinks {
  LogFormat format = LogFormat::text;
  std::string access_file;
  std::shared_ptr<spdlog::logger> events;
  std::shared_ptr<spdlog::logger> access;  // null: none
};

LogWriter::LogWriter() : sinks_(std::make_unique<Sinks>()) {}

LogWriter::~LogWriter() { flush(); }

Outcome<std::unique_ptr<LogWriter>> LogWriter::make(
    LogFormat format, LogLevel least, const std::string& access_log
) {
  std::unique_ptr<LogWriter> writer(new LogWriter);
  writer->sinks_->format = format;
  writer->sinks_->access_file = access_log;
  writer->sinks_->events = make_events(format, least);
  GH_TRY_VOID(writer->reopen());
  return writer;
}

Outcome<void> LogWriter::reopen() {
  if (sinks_->access_file.empty()) return {};
  try {
    if (sinks_->access) sinks_->access->flush();
    sinks_->access = make_access(sinks_->access_file);
  } catch (const std::exception& error) {
    return fault(std::string("access-log: cannot be opened: ") + error.what(), sinks_->access_file);
  }
  return {};
}

void LogWriter::write(const LogLine& line) {
  if (line.access) {
    if (sinks_->access) sinks_->access->info("{}", line.text);
  } else if (sinks_->format == LogFormat::json) {
    sinks_->events->log(level_of(line.level), "{}", json_fields(line.text));
  } else {
    sinks_->events->log(level_of(line.level), "{}", one_line(line.text));
  }
}

void LogWriter::flush() {
  if (sinks_->events) sinks_->events->flush();
  if (sinks_->access) sinks_->access->flush();
}

LogThread::LogThread(std::unique_ptr<LogWriter> writer, std::vector<LogQueue*> queues)
    : writer_(std::move(writer)),
      queues_(std::move(queues)),
      dropped_(queues_.size()),
      thread_([this] { run(); }) {}

LogThread::~LogThread() { stop(); }

void LogThread::stop() {
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
}

void LogThread::run() {
  auto reported = std::chrono::steady_clock::now();
  while (true) {
    const bool last = stop_.load();
    if (reopen_.exchange(false)) {
      if (const auto reopened = writer_->reopen(); !reopened) {
        writer_->write({LogLevel::error, false, reopened.error().to_string()});
      }
    }
    const bool wrote = drain();
    const auto now = std::chrono::steady_clock::now();
    if (last || now - reported >= std::chrono::seconds(1)) {
      report_drops();
      reported = now;
    }
    if (last) break;
    if (!wrote) std::this_thread::sleep_for(nap);
  }
}

bool LogThread::drain() {
  bool wrote = false;
  for (LogQueue* queue : queues_) {
    for (std::size_t i = 0; i < lines_per_turn_max; ++i) {
      const auto line = queue->pop();
      if (!line) break;
      writer_->write(*line);
      wrote = true;
    }
  }
  if (wrote) writer_->flush();
  return wrote;
}

void LogThread::report_drops() {
  std::uint64_t fresh = 0;
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    const std::uint64_t total = queues_[i]->dropped();
    fresh += total - dropped_[i];
    dropped_[i] = total;
  }
  if (fresh == 0) return;
  writer_->write(
      {LogLevel::warn, false, event_text("log lines dropped", {{"lines", std::to_string(fresh)}})}
  );
}

}  // namespace gh::control
