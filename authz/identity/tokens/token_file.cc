// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/token_file.h"

namespace gh::identity {
namespace {

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

// "\r\n" becomes "\n"; a '\r' at the very end of the text is dropped.
bool CsvReader::read_line() {
  if (rest_.empty()) return false;
  const std::size_t end = rest_.find('\n');
  line_text_ = rest_.substr(0, end);
  rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
  if (line_text_.ends_with('\r')) line_text_.pop_back();
  if (end != rest_.npos) line_text_ += '\n';
  at_ = line_text_;
  ++lines_;
  return true;
}

// Behind the opening quote. `last`: the record ends with this field.
CsvReader::Read CsvReader::quoted_field(std::vector<std::string>& record, bool& last) {
  std::string field;
  for (;;) {
    const std::size_t quote = at_.find('"');
    if (quote == at_.npos) {
      field += at_;
      if (!read_line()) {
        line_ = lines_;
        return Read::bad_quote;
      }
      continue;
    }
    field += at_.substr(0, quote);
    at_.remove_prefix(quote + 1);
    if (at_.starts_with('"')) {
      field += '"';
      at_.remove_prefix(1);
    } else if (at_.starts_with(',')) {
      at_.remove_prefix(1);
      record.push_back(std::move(field));
      return Read::record;
    } else if (at_.empty() || at_ == "\n") {
      record.push_back(std::move(field));
      last = true;
      return Read::record;
    } else {
      line_ = lines_;
      return Read::bad_quote;
    }
  }
}

CsvReader::Read CsvReader::next(std::vector<std::string>& record) {
  record.clear();
  do {
    if (!read_line()) return Read::end;
  } while (at_.empty() || at_ == "\n");
  line_ = lines_;
  for (;;) {
    if (at_.starts_with('"')) {
      at_.remove_prefix(1);
      bool last = false;
      const Read read = quoted_field(record, last);
      if (read != Read::record || last) return read;
      continue;
    }
    const std::size_t comma = at_.find(',');
    std::string_view field = at_.substr(0, comma);
    if (comma == at_.npos && field.ends_with('\n')) field.remove_suffix(1);
    if (field.find('"') != field.npos) {
      line_ = lines_;
      return Read::bare_quote;
    }
    record.emplace_back(field);
    if (comma == at_.npos) return Read::record;
    at_.remove_prefix(comma + 1);
  }
}

Outcome<TokenFile> TokenFile::parse(
    std::string_view csv, const std::string& file, std::vector<std::string>& warnings
) {
  TokenFile tokens;
  if (!tls::random_bytes(tokens.key_)) return fault("no random bytes to be had", file);
  CsvReader reader(csv);
  std::vector<std::string> record;
  for (;;) {
    const CsvReader::Read read = reader.next(record);
    const std::string at = file + ":" + std::to_string(reader.line());
    switch (read) {
      case CsvReader::Read::end:
        return tokens;
      case CsvReader::Read::bare_quote:
        return fault("a quote stands inside a field that does not begin with one", at);
      case CsvReader::Read::bad_quote:
        return fault("a quoted field is not ended, or goes on behind its quote", at);
      case CsvReader::Read::record:
        break;
    }
    if (record.size() < 3) {
      return fault(
          "expected at least 3 columns (token, user name, user uid), found " +
              std::to_string(record.size()),
          at
      );
    }
    if (record[0].empty()) {
      warnings.push_back(at + ": an empty token is passed over");
      continue;
    }
    tls::Digest256 digest{};
    if (!tls::hmac_sha256(tokens.key_, as_bytes(record[0]), digest))
      return fault("the TLS library has no HMAC", file);
    Identity who;
    who.user = record[1];
    who.uid = record[2];
    if (record.size() >= 4) who.groups = split(record[3], ',');
    if (!tokens.users_.insert_or_assign(digest, std::move(who)).second)
      warnings.push_back(at + ": this token was here before; the last one counts");
  }
}

TokenResult TokenFile::judge(std::string_view token) const {
  tls::Digest256 digest{};
  if (!tls::hmac_sha256(key_, as_bytes(token), digest)) return TokenResult::pass();
  const auto found = users_.find(digest);
  if (found == users_.end()) return TokenResult::pass();
  return TokenResult::accept(TokenKind::token_file, found->second, forever);
}

}  // namespace gh::identity
