// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/policy_tree.h"

#include "authz/go_text.h"
#include "base/limits.h"

#include <simdjson.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

namespace gh::authz::rbac {

std::string_view name_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::null:
      return "null";
    case NodeKind::boolean:
      return "a boolean";
    case NodeKind::number:
      return "a number";
    case NodeKind::string:
      return "a string";
    case NodeKind::list:
      return "a list";
    case NodeKind::map:
      return "a map";
    case NodeKind::alias:
      return "an alias";
  }
  return "";
}

namespace {

struct Thrown {  // leaves yaml-cpp's callbacks
  TreeFault fault;
};

[[noreturn]] void refuse(std::string text, std::size_t line) {
  throw Thrown{{std::move(text), line}};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <std::size_t n>
bool is_one_of(std::string_view text, const std::array<std::string_view, n>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool is_decimal(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - from;
  };
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  } else {
    if (digits() == 0) return false;
    if (at < text.size() && text[at] == '.') ++at, digits();
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

bool is_based_integer(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.size() < 3 || text[0] != '0') return false;
  const char base = static_cast<char>(text[1] | 0x20);
  text.remove_prefix(2);
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const char low = static_cast<char>(c | 0x20);
    switch (base) {
      case 'x':
        return is_digit(c) || (low >= 'a' && low <= 'f');
      case 'o':
        return c >= '0' && c <= '7';
      case 'b':
        return c == '0' || c == '1';
      default:
        return false;
    }
  });
}

// Builds one document's tree from parser events of either format.
class Builder {
 public:
  // `aliased` counts, over all documents of a text, what aliases stand for.
  explicit Builder(std::uint64_t& aliased) : aliased_(aliased) {}

  Tree& tree() { return tree_; }

  bool wants_key() const { return !open_.empty() && open_.back().map && !open_.back().key; }

  void scalar(NodeKind kind, std::string_view text, std::size_t line) {
    if (wants_key()) return take_key(kind, text, line);
    Node node;
    node.kind = kind;
    std::tie(node.text_at, node.text_bytes) = keep(text);
    add(node, line);
  }

  void open(NodeKind kind, std::size_t line) {
    if (wants_key()) refuse("a key must be a string", line);
    if (open_.size() >= limits::policy_depth_max) {
      refuse("nested more than " + std::to_string(limits::policy_depth_max) + " deep", line);
    }
    Node node;
    node.kind = kind;
    const std::uint32_t at = add(node, line);
    open_.push_back({at, 0, kind == NodeKind::map, {}, false, {}, 1});
  }

  // An unquoted `<<` where a key is expected (YAML 1.1 merge).
  void merge_key() {
    open_.back().key = keep("<<");
    open_.back().key_is_merge = true;
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.map) {
      if (!done.merges.empty()) merge(done);
      check_keys(done.node);
    }
    tree_.nodes[done.node].size =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(done.expanded, 0xffffffff));
    if (!open_.empty()) open_.back().expanded += done.expanded;
  }

  // A reference to a node that is already whole.
  void alias(std::uint32_t target, std::size_t line) {
    if (wants_key()) refuse("an alias cannot be a key", line);
    for (const Open& open : open_) {
      if (open.node == target) refuse("an alias stands inside its own anchor", line);
    }
    Node node;
    node.kind = NodeKind::alias;
    node.first = target;
    add(node, line);
    charge(tree_.nodes[target].size, line);
  }

  std::uint32_t last() const { return last_; }

 private:
  struct Open {
    std::uint32_t node;
    std::uint32_t last_child;
    bool map;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> key;  // read, its value comes next
    bool key_is_merge;
    std::vector<std::uint32_t> merges;  // children under `<<`
    std::uint64_t expanded;             // nodes below, aliases counted as what they stand for
    std::size_t merged_keys = 0;
  };

  void charge(std::uint64_t values, std::size_t line) {
    aliased_ += values;
    if (!open_.empty()) open_.back().expanded += values;
    if (aliased_ > limits::policy_alias_nodes_max) {
      refuse(
          "aliases stand for more than " + std::to_string(limits::policy_alias_nodes_max) +
              " values",
          line
      );
    }
  }

  std::pair<std::uint32_t, std::uint32_t> keep(std::string_view text) {
    const auto at = static_cast<std::uint32_t>(tree_.text.size());
    tree_.text += text;
    return {at, static_cast<std::uint32_t>(text.size())};
  }

  // As sigs.k8s.io/yaml turns keys into JSON's strings.
  void take_key(NodeKind kind, std::string_view text, std::size_t line) {
    if (kind == NodeKind::null) refuse("a key must be a string, found null", line);
    if (kind == NodeKind::boolean) {
      const char first = static_cast<char>(text[0] | 0x20);
      const bool yes = first == 'y' || first == 't' || (first == 'o' && (text[1] | 0x20) == 'n');
      text = yes ? "true" : "false";
    }
    open_.back().key = keep(text);
  }

  std::uint32_t add(Node node, std::size_t line) {
    if (tree_.nodes.size() >= limits::policy_nodes_max) {
      refuse(
          "a document of more than " + std::to_string(limits::policy_nodes_max) + " values", line
      );
    }
    node.line = static_cast<std::uint32_t>(line);
    const auto at = static_cast<std::uint32_t>(tree_.nodes.size());
    if (open_.empty()) {
      tree_.root = at;
    } else {
      Open& parent = open_.back();
      if (parent.key) {
        std::tie(node.key_at, node.key_bytes) = *std::exchange(parent.key, std::nullopt);
        if (std::exchange(parent.key_is_merge, false)) parent.merges.push_back(at);
      }
      (parent.last_child == 0 ? tree_.nodes[parent.node].first : tree_.nodes[parent.last_child].next
      ) = at;
      parent.last_child = at;
      ++parent.expanded;
    }
    tree_.nodes.push_back(node);
    last_ = at;
    return at;
  }

  // `<<: *base`: keys of the base that are not there come in as references to its values.
  void merge(Open& map) {
    std::uint32_t last = 0;
    const auto link = [&](std::uint32_t child) {
      (last == 0 ? tree_.nodes[map.node].first : tree_.nodes[last].next) = child;
    };
    for (std::uint32_t child = tree_.nodes[map.node].first, next = 0; child != 0; child = next) {
      next = tree_.nodes[child].next;
      if (std::binary_search(map.merges.begin(), map.merges.end(), child)) continue;
      link(child);
      last = child;
    }
    link(0);
    map.last_child = last;
    for (const std::uint32_t child : map.merges) add_bases(map, child);
  }

  void add_bases(Open& map, std::uint32_t child) {
    const NodeView base(tree_, child);
    const std::uint32_t line = base.line();
    std::vector<std::uint32_t> maps;
    const auto resolved = [&](std::uint32_t at) {
      while (tree_.nodes[at].kind == NodeKind::alias) at = tree_.nodes[at].first;
      if (tree_.nodes[at].kind != NodeKind::map)
        refuse("a merge (<<) needs a map or a list of maps", line);
      maps.push_back(at);
    };
    if (base.kind() == NodeKind::list) {
      std::uint32_t list = child;
      while (tree_.nodes[list].kind == NodeKind::alias) list = tree_.nodes[list].first;
      for (std::uint32_t at = tree_.nodes[list].first; at != 0; at = tree_.nodes[at].next)
        resolved(at);
    } else {
      resolved(child);
    }
    for (const std::uint32_t from : maps) {
      for (std::uint32_t at = tree_.nodes[from].first; at != 0; at = tree_.nodes[at].next)
        merge_entry(map, at, line);
    }
  }

  void merge_entry(Open& map, std::uint32_t from, std::uint32_t line) {
    const std::string_view key = NodeView(tree_, from).key();
    for (std::uint32_t at = tree_.nodes[map.node].first; at != 0; at = tree_.nodes[at].next) {
      if (NodeView(tree_, at).key() == key) return;
    }
    if (tree_.nodes.size() >= limits::policy_nodes_max ||
        ++map.merged_keys > limits::policy_merge_keys_max) {
      refuse(
          "a merge (<<) of more than " + std::to_string(limits::policy_merge_keys_max) + " keys",
          line
      );
    }
    charge(1 + tree_.nodes[from].size, line);
    map.expanded += 1 + tree_.nodes[from].size;
    Node node;
    node.kind = NodeKind::alias;
    node.line = line;
    node.first = from;
    node.key_at = tree_.nodes[from].key_at;
    node.key_bytes = tree_.nodes[from].key_bytes;
    const auto at = static_cast<std::uint32_t>(tree_.nodes.size());
    tree_.nodes.push_back(node);
    (map.last_child == 0 ? tree_.nodes[map.node].first : tree_.nodes[map.last_child].next) = at;
    map.last_child = at;
  }

  void check_keys(std::uint32_t map) {
    keys_.clear();
    for (std::uint32_t at = tree_.nodes[map].first; at != 0; at = tree_.nodes[at].next)
      keys_.push_back(at);
    const auto key = [&](std::uint32_t at) { return NodeView(tree_, at).key(); };
    std::sort(keys_.begin(), keys_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return key(a) != key(b) ? key(a) < key(b) : a < b;
    });
    for (std::size_t i = 1; i < keys_.size(); ++i) {
      if (key(keys_[i - 1]) != key(keys_[i])) continue;
      refuse(
          "the key " + go_quoted(key(keys_[i])) + " stands twice in one map (first on line " +
              std::to_string(tree_.nodes[keys_[i - 1]].line) + ")",
          tree_.nodes[keys_[i]].line
      );
    }
  }

  std::uint64_t& aliased_;
  Tree tree_;
  std::vector<Open> open_;
  std::vector<std::uint32_t> keys_;
  std::uint32_t last_ = 0;
};

// ---- YAML ----

// A text from the start of a line on; lines are asked for in order.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::string_view from(int line) {
    for (; line_ < line && !rest_.empty(); ++line_) {
      const std::size_t end = rest_.find('\n');
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    }
    return rest_;
  }

 private:
  std::string_view rest_;
  int line_ = 0;
};

class YamlEvents final : public YAML::EventHandler {
 public:
  YamlEvents(Lines& lines, bool first, std::uint64_t& aliased)
      : lines_(lines), first_(first), builder_(aliased) {}

  Builder& builder() { return builder_; }

  // yaml-cpp takes whatever stands behind a document's end for another one (and at some bytes stays
  // for ever): only `---` begins one.
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (!first_ && !(mark.column == 0 && lines_.from(mark.line).starts_with("---"))) {
      refuse("more text behind the end of a document; expected ---", line(mark));
    }
  }

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder_.scalar(NodeKind::null, "null", line(mark));
    remember(anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (anchor >= anchors_.size() || anchors_[anchor] == 0)
      refuse("an alias stands inside its own anchor", line(mark));
    builder_.alias(anchors_[anchor], line(mark));
  }

  void OnScalar(
      const YAML::Mark& mark,
      const std::string& tag,
      YAML::anchor_t anchor,
      const std::string& value
  ) override {
    if (tag == "?" && value == "<<" && builder_.wants_key()) return builder_.merge_key();
    builder_.scalar(kind_of(tag, value, line(mark)), value, line(mark));
    remember(anchor);
  }

  void OnSequenceStart(
      const YAML::Mark& mark,
      const std::string& tag,
      YAML::anchor_t anchor,
      YAML::EmitterStyle::value
  ) override {
    open(NodeKind::list, tag, "tag:yaml.org,2002:seq", anchor, line(mark));
  }

  void OnSequenceEnd() override { builder_.close(); }

  void OnMapStart(
      const YAML::Mark& mark,
      const std::string& tag,
      YAML::anchor_t anchor,
      YAML::EmitterStyle::value
  ) override {
    open(NodeKind::map, tag, "tag:yaml.org,2002:map", anchor, line(mark));
  }

  void OnMapEnd() override { builder_.close(); }

 private:
  static std::size_t line(const YAML::Mark& mark) {
    return static_cast<std::size_t>(mark.line) + 1;
  }

  // A tag is "?" on unquoted scalars and "!" on quoted ones.
  static NodeKind kind_of(const std::string& tag, const std::string& value, std::size_t line) {
    if (tag == "?" || tag.empty()) return kind_of_plain(value);
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return NodeKind::string;
    refuse("the tag " + go_quoted(tag) + " is not supported", line);
  }

  void open(
      NodeKind kind,
      const std::string& tag,
      std::string_view own,
      YAML::anchor_t anchor,
      std::size_t line
  ) {
    if (!tag.empty() && tag != "?" && tag != "!" && tag != own)
      refuse("the tag " + go_quoted(tag) + " is not supported", line);
    builder_.open(kind, line);
    remember(anchor);
  }

  void remember(YAML::anchor_t anchor) {
    if (anchor == 0) return;
    if (anchor >= anchors_.size()) anchors_.resize(anchor + 1);
    anchors_[anchor] = builder_.last();
  }

  Lines& lines_;
  bool first_;
  Builder builder_;
  std::vector<std::uint32_t> anchors_;
};

// yaml-cpp passes over a line that begins with '%' wherever it stands. Nothing of a policy is
// passed over.
Result<void, TreeFault> check_directives(std::string_view text) {
  for (std::size_t line = 1, at = 0; at < text.size(); ++line) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with('%') && !rest.starts_with("%YAML ")) {
      return fail(TreeFault{"a line that begins with % (only a %YAML directive may)", line});
    }
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    at += end + 1;
  }
  return {};
}

Result<void, TreeFault> read_yaml(std::string_view text, const TakeDocument& take) {
  GH_TRY_VOID(check_directives(text));
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    std::uint64_t aliased = 0;
    Lines lines(text);
    for (bool first = true;; first = false) {
      YamlEvents events(lines, first, aliased);
      if (!parser.HandleNextDocument(events)) return {};
      const Tree& tree = events.builder().tree();
      if (tree.root == 0 || tree.nodes[tree.root].kind == NodeKind::null) continue;
      GH_TRY_VOID(take(tree));
    }
  } catch (const Thrown& thrown) {
    return fail(thrown.fault);
  } catch (const YAML::Exception& error) {
    return fail(TreeFault{
        "not YAML: " + error.msg, static_cast<std::size_t>(std::max(error.mark.line, -1) + 1)
    });
  }
}

// ---- JSON ----

class JsonReader {
 public:
  explicit JsonReader(const simdjson::padded_string& text) : text_(text) {}

  // The text has passed the full parser, so what could fail here are our own bounds.
  void read(simdjson::ondemand::value value) {
    const std::size_t line = line_of(value.raw_json_token().data());
    switch (value.type()) {
      case simdjson::ondemand::json_type::array:
        builder_.open(NodeKind::list, line);
        for (auto element : value.get_array()) read(element.value());
        return builder_.close();
      case simdjson::ondemand::json_type::object:
        builder_.open(NodeKind::map, line);
        for (auto field : value.get_object()) {
          builder_.scalar(NodeKind::string, std::string_view(field.unescaped_key()), line);
          read(field.value());
        }
        return builder_.close();
      case simdjson::ondemand::json_type::number:
        return builder_.scalar(NodeKind::number, trimmed(value), line);
      case simdjson::ondemand::json_type::string:
        return builder_.scalar(NodeKind::string, std::string_view(value.get_string()), line);
      case simdjson::ondemand::json_type::boolean:
        return builder_.scalar(NodeKind::boolean, trimmed(value), line);
      case simdjson::ondemand::json_type::null:
        return builder_.scalar(NodeKind::null, "null", line);
    }
  }

  Builder& builder() { return builder_; }

 private:
  static std::string_view trimmed(simdjson::ondemand::value& value) {
    const std::string_view token = value.raw_json_token();
    std::size_t bytes = 0;
    while (bytes < token.size() &&
           std::string_view(" \t\r\n,]}:").find(token[bytes]) == std::string_view::npos)
      ++bytes;
    return token.substr(0, bytes);
  }

  // Tokens come in order, so lines are counted once.
  std::size_t line_of(const char* at) {
    const auto offset = static_cast<std::size_t>(at - text_.data());
    for (; counted_ < offset; ++counted_) line_ += text_.data()[counted_] == '\n';
    return line_;
  }

  const simdjson::padded_string& text_;
  std::size_t counted_ = 0;
  std::size_t line_ = 1;
  std::uint64_t aliased_ = 0;
  Builder builder_{aliased_};
};

// Null: it is no JSON.
std::optional<Result<void, TreeFault>> read_json(std::string_view text, const TakeDocument& take) {
  try {
    const simdjson::padded_string padded(text);
    simdjson::dom::parser whole;
    simdjson::dom::element root;
    if (whole.parse(padded).get(root) != simdjson::SUCCESS) return std::nullopt;
    if (!root.is_object()) return fail(TreeFault{"expected an object", 1});
    simdjson::ondemand::parser parser;
    simdjson::ondemand::document document = parser.iterate(padded);
    JsonReader reader(padded);
    reader.read(document.get_value());
    return take(reader.builder().tree());
  } catch (const Thrown& thrown) {
    return fail(thrown.fault);
  } catch (const simdjson::simdjson_error&) {
    return std::nullopt;
  }
}

// Where the JSON breaks, as far as it can be told.
TreeFault json_fault(std::string_view text) {
  try {
    const simdjson::padded_string padded(text);
    simdjson::dom::parser whole;
    const auto error = whole.parse(padded).error();
    TreeFault fault{std::string("not JSON: ") + simdjson::error_message(error), 0};
    simdjson::ondemand::parser parser;
    auto document = parser.iterate(padded);
    try {
      JsonReader reader(padded);
      reader.read(document.get_value());
    } catch (const simdjson::simdjson_error&) {
    }
    const char* at = nullptr;
    if (document.current_location().get(at) != simdjson::SUCCESS)
      at = padded.data() + padded.size();
    at = std::clamp(at, padded.data(), padded.data() + padded.size());
    fault.line = 1 + static_cast<std::size_t>(std::count(padded.data(), at, '\n'));
    return fault;
  } catch (const Thrown& thrown) {
    return thrown.fault;
  } catch (const simdjson::simdjson_error& error) {
    return {std::string("not JSON: ") + error.what(), 0};
  }
}

// Text that every reader would read alike: UTF-8 without control characters (yaml-cpp takes 0x04
// for the end of the text).
Result<void, TreeFault> check_bytes(std::string_view text) {
  const bool utf8 = simdjson::validate_utf8(text.data(), text.size());
  std::size_t line = 1;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == '\n') ++line;
    if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f) {
      return fail(TreeFault{"a control character (byte " + std::to_string(byte) + ")", line});
    }
    if (!utf8 && byte >= 0x80) {
      const Rune rune = rune_at(text, at);
      if (!rune.valid)
        return fail(TreeFault{"not UTF-8 (byte " + std::to_string(byte) + ")", line});
      at += rune.bytes - 1;
    }
  }
  return {};
}

}  // namespace

NodeKind kind_of_plain(std::string_view text) {
  static constexpr std::array<std::string_view, 5> nulls = {"", "~", "null", "Null", "NULL"};
  static constexpr std::array<std::string_view, 22> booleans = {
      "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on",    "On",    "ON",
      "n", "N", "no",  "No",  "NO",  "off",  "Off",  "OFF",  "false", "False", "FALSE"
  };
  static constexpr std::array<std::string_view, 12> floats = {
      ".nan",
      ".NaN",
      ".NAN",
      ".inf",
      ".Inf",
      ".INF",
      "+.inf",
      "+.Inf",
      "+.INF",
      "-.inf",
      "-.Inf",
      "-.INF"
  };
  if (is_one_of(text, nulls)) return NodeKind::null;
  if (is_one_of(text, booleans)) return NodeKind::boolean;
  if (is_one_of(text, floats)) return NodeKind::number;
  const char first = text[0];
  if (!is_digit(first) && first != '+' && first != '-' && first != '.') return NodeKind::string;
  std::string plain(text);
  if (first != '.') std::erase(plain, '_');
  return is_decimal(plain) || is_based_integer(plain) ? NodeKind::number : NodeKind::string;
}

Result<void, TreeFault> read_documents(
    std::string_view text, bool json_only, const TakeDocument& take
) {
  GH_TRY_VOID(check_bytes(text));
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (json_only || (start != std::string_view::npos && text[start] == '{')) {
    if (auto read = read_json(text, take)) return *std::move(read);
    if (json_only) return fail(json_fault(text));
  }
  return read_yaml(text, take);
}

}  // namespace gh::authz::rbac
