// SPDX-License-Identifier: Apache-2.0
// Where log lines end: events on standard error, the access log in a file. One thread writes,
// nobody else waits for it. In: LogQueues of the workers and of control, drained in turn.   Out:
// lines; reopened files when asked (logrotate). Owner: LogThread's own thread; reopen() and stop()
// are for control. Wraps spdlog. Bound: a full queue drops lines and counts them (base/log.h); a
// line says how many, at most once a second.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "control/config.h"

#include <atomic>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace gh::control {

// `text key=value key="a value"`: how an event and its fields stand in LogLine::text.
struct LogField {
  std::string_view key;
  std::string value;
};

std::string event_text(std::string_view text, std::initializer_list<LogField> fields);

// The text before the first field, and the fields.
std::pair<std::string, std::vector<std::pair<std::string, std::string>>> split_event(
    std::string_view line
);

// Formats and writes; used by one thread.
class LogWriter {
 public:
  // `access_log`: a file, "-" or empty. A Fault: it cannot be opened.
  static Outcome<std::unique_ptr<LogWriter>> make(
      LogFormat format, LogLevel least, const std::string& access_log
  );
  ~LogWriter();
  void write(const LogLine& line);
  void flush();
  Outcome<void> reopen();  // a Fault: the old file stays in use

 private:
  LogWriter();
  struct Sinks;
  std::unique_ptr<Sinks> sinks_;
};

class LogThread {
 public:
  LogThread(std::unique_ptr<LogWriter> writer, std::vector<LogQueue*> queues);
  ~LogThread();  // stop()

  void reopen() noexcept { reopen_.store(true); }

  void stop();  // writes what is queued, then ends

 private:
  void run();
  bool drain();
  void report_drops();

  std::unique_ptr<LogWriter> writer_;
  std::vector<LogQueue*> queues_;
  std::vector<std::uint64_t> dropped_;  // as reported last
  std::atomic<bool> reopen_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace gh::control
