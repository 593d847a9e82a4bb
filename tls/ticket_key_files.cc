// SPDX-License-Identifier: Apache-2.0
#include "tls/ticket_key_files.h"

#include "base/limits.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

namespace gh::tls {
namespace {

using Key = TicketKeys::Key;

constexpr std::size_t key_bytes = 80;
constexpr std::size_t key_bytes_aes128 = 48;  // nginx and HAProxy have these too
constexpr std::string_view hint = "; a key is 80 bytes: openssl rand 80, or that as base64";

Key key_of(std::string_view bytes) {
  Key out;
  const auto take = [&bytes](auto& into) {
    std::copy_n(bytes.begin(), into.size(), into.begin());
    bytes.remove_prefix(into.size());
  };
  take(out.name);
  take(out.cipher);
  take(out.mac);
  return out;
}

int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// Canonical base64 (RFC 4648 §4) only. False: it is none.
bool decode_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0 || text.empty()) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  unsigned bits = 0, held = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const int digit = digit_of(c);
    if (digit < 0) return false;
    held = held << 6 | static_cast<unsigned>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(held >> bits & 0xff));
  }
  return (held & ((1u << bits) - 1)) == 0;
}

// A secret that is one byte over and over was not drawn at random.
bool is_monotone(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [&](char c) { return c == bytes[0]; });
}

Outcome<Key> checked_key(std::string_view bytes, const std::string& where) {
  if (bytes.size() == key_bytes_aes128)
    return fault(
        "a key of 48 bytes is for AES-128, which is not supported" + std::string(hint), where
    );
  if (bytes.size() != key_bytes)
    return fault("a key of " + std::to_string(bytes.size()) + " bytes" + std::string(hint), where);
  if (is_monotone(bytes.substr(16, 32)) || is_monotone(bytes.substr(48)))
    return fault("a key in it is not random: one byte again and again", where);
  return key_of(bytes);
}

bool is_text(std::string_view contents) {
  return std::all_of(contents.begin(), contents.end(), [](char c) {
    return c == '\n' || c == '\r' || (c >= ' ' && c <= '~');
  });
}

struct Wiped {  // a secret's bytes, while they are looked at
  std::string bytes;

  ~Wiped() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

}  // namespace

Outcome<std::vector<Key>> parse_ticket_keys(std::string_view contents, const std::string& where) {
  std::vector<Key> keys;
  if (contents.empty()) return fault("the file is empty" + std::string(hint), where);
  if (!is_text(contents)) {
    GH_TRY(Key key, checked_key(contents, where));
    keys.push_back(key);
    return keys;
  }
  keys.reserve(limits::ticket_keys_max);
  for (std::size_t line = 1; !contents.empty(); ++line) {
    const auto end = std::min(contents.find('\n'), contents.size());
    std::string_view text = contents.substr(0, end);
    contents.remove_prefix(std::min(end + 1, contents.size()));
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) continue;
    const std::string at = where + ":" + std::to_string(line);
    Wiped decoded;
    decoded.bytes.reserve(text.size());
    if (!decode_base64(text, decoded.bytes)) {
      return fault("neither 80 raw bytes nor a line of base64" + std::string(hint), at);
    }
    if (text.size() == 64 && !contents.empty())
      return fault(
          "a key that goes on in the next line; base64 -w0 or openssl base64 -A puts it on one", at
      );
    GH_TRY(Key key, checked_key(decoded.bytes, at));
    if (keys.size() == limits::ticket_keys_max)
      return fault("more than " + std::to_string(limits::ticket_keys_max) + " keys in it", where);
    keys.push_back(key);
  }
  if (keys.empty()) return fault("no key in it" + std::string(hint), where);
  return keys;
}

namespace {

struct File {
  explicit File(const std::string& path)
      : descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}

  File(const File&) = delete;
  File& operator=(const File&) = delete;

  ~File() {
    if (descriptor >= 0) close(descriptor);
  }

  int descriptor;
};

Outcome<std::vector<Key>> read_key_file(
    const std::string& path, std::vector<std::string>& warnings
) {
  const File file(path);
  struct stat status{};
  if (file.descriptor < 0 || fstat(file.descriptor, &status) != 0)
    return fault(
        "cannot be opened for reading: " +
            std::error_code(errno, std::generic_category()).message(),
        path
    );
  if (!S_ISREG(status.st_mode)) return fault("is not a file", path);
  Wiped contents;
  contents.bytes.resize(limits::ticket_key_file_bytes_max + 1);
  std::size_t size = 0;
  while (size < contents.bytes.size()) {
    const ssize_t n =
        read(file.descriptor, contents.bytes.data() + size, contents.bytes.size() - size);
    if (n < 0) return fault("cannot be read", path);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > limits::ticket_key_file_bytes_max)
    return fault("the file is too large for ticket keys" + std::string(hint), path);
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0)
    warnings.push_back(
        path + ": others than its owner and group may read or write these session ticket keys"
    );
  return parse_ticket_keys(std::string_view(contents.bytes).substr(0, size), path);
}

// Hidden entries are left out: a Kubernetes mount keeps its ..data there.
Outcome<std::vector<std::string>> files_of(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code gone;
    if (!name.starts_with('.') && !at->is_directory(gone)) files.push_back(at->path().string());
  }
  if (error) return fault("the folder cannot be read: " + error.message(), folder);
  if (files.empty()) return fault("no key file in the folder", folder);
  std::sort(files.begin(), files.end());
  return files;
}

struct Ring {
  std::vector<Key> keys;

  // The place of a key that is the same already, or its own new one.
  Outcome<std::size_t> add(const Key& key, const std::string& where) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i].name != key.name) continue;
      if (keys[i] == key) return i;
      return fault("a key has the name (first 16 bytes) of another one", where);
    }
    if (keys.size() == limits::ticket_keys_max)
      return fault(
          "more than " + std::to_string(limits::ticket_keys_max) + " session ticket keys", where
      );
    keys.push_back(key);
    return keys.size() - 1;
  }
};

}  // namespace

Outcome<TicketKeyFiles> load_ticket_keys(const std::vector<std::string>& paths) {
  TicketKeyFiles out;
  Ring ring;
  ring.keys.reserve(limits::ticket_keys_max);
  std::size_t sealing = 0;
  for (const std::string& path : paths) {
    std::error_code error;
    const bool folder = std::filesystem::is_directory(path, error);
    std::vector<std::string> files = {path};
    if (folder) {
      GH_TRY(files, files_of(path));
    }
    const std::size_t seals = files.size() < 2 ? 0 : files.size() - 2;
    for (std::size_t i = 0; i < files.size(); ++i) {
      GH_TRY(const auto keys, read_key_file(files[i], out.warnings));
      for (std::size_t k = 0; k < keys.size(); ++k) {
        GH_TRY(const std::size_t at, ring.add(keys[k], files[i]));
        if (&path == &paths.front() && i == seals && k == 0) sealing = at;
      }
    }
  }
  if (ring.keys.empty()) return fault("no session ticket key file is named");
  out.keys = TicketKeys::of(std::move(ring.keys), sealing);
  return out;
}

}  // namespace gh::tls
