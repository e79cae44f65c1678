// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "base/file.hpp"
#include "base/utf8.hpp"
#include "base/yaml.hpp"

namespace memwall {
namespace {

constexpr int kDeepest = 64;
constexpr std::int64_t kMostValues =
    1'000'000;  // aliases expanded: a few lines can stand for billions
constexpr std::streamsize kLargestFile = 64LL << 20;

[[noreturn]] void give_up(const SourceMark& where, const std::string& message) {
    throw InputError(std::vector<Diagnostic>{Diagnostic{where, message}});
}

/// A finished value, with the number of values and levels in it, itself included.
struct Sized {
    YamlValue value;
    std::int64_t values = 1;
    int levels = 1;
};

/// Builds the tree from the parser's events: they carry the place of every key and scalar.
class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(std::string shown_as, Diagnostics& faults)
        : shown_as_(std::move(shown_as)), faults_(faults) {}

    [[nodiscard]] const YamlValue& root() const { return root_; }
    /// Where the last scalar in quotes (or as a block) begins in the text, with the anchor before
    /// it.
    [[nodiscard]] const YAML::Mark& last_quoted() const { return last_quoted_; }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) {
            give_up(place(mark), "expected one document, found a second");
        }
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        SourceMark where = place(mark);
        // Where a key has no value, the parser names the next thing it sees.
        if (!open_.empty() && open_.back().has_key && where.line != open_.back().key_mark.line) {
            where = open_.back().key_mark;
        }
        add({YamlValue::make_null(where)}, where, anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto known = anchors_.find(anchor);
        if (known == anchors_.end()) {
            give_up(place(mark), "an alias stands inside the value that it names");
        }
        add(known->second, place(mark), YAML::NullAnchor);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        check_tag(mark, tag);
        if (tag != "?") {
            last_quoted_ = mark;
        }
        add({YamlValue::make_scalar(text, place(mark))}, place(mark), anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        check_tag(mark, tag);
        open(mark, anchor, false);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        check_tag(mark, tag);
        open(mark, anchor, true);
    }
    void OnMapEnd() override { close(); }

private:
    /// A list or map whose end has not come yet.
    struct Open {
        SourceMark mark;
        YAML::anchor_t anchor = YAML::NullAnchor;
        bool is_map = false;
        bool has_key = false;     // of a map: the key has been read, its value is next
        bool drop_value = false;  // the key was reported: leave its value out
        std::string key;
        SourceMark key_mark;
        std::vector<YamlValue> items;
        std::vector<YamlValue::Entry> entries;
        std::unordered_map<std::string, int> first_lines;
        std::int64_t values = 1;
        int levels = 1;
    };

    [[nodiscard]] SourceMark place(const YAML::Mark& mark) const {
        return {shown_as_, mark.line + 1, mark.column + 1};
    }

    void check_tag(const YAML::Mark& mark, const std::string& tag) {
        if (tag.size() > 1 && !tag.starts_with("tag:yaml.org,2002:")) {
            faults_.error(place(mark), "tags such as '" + tag + "' have no meaning here");
        }
    }

    void open(const YAML::Mark& mark, YAML::anchor_t anchor, bool is_map) {
        if (open_.size() >= kDeepest) {
            too_deep(place(mark));
        }
        Open level;
        level.mark = place(mark);
        level.anchor = anchor;
        level.is_map = is_map;
        open_.push_back(std::move(level));
    }

    void close() {
        Open level = std::move(open_.back());
        open_.pop_back();
        const SourceMark mark = level.mark;
        Sized done{level.is_map ? YamlValue::make_map(std::move(level.entries), mark)
                                : YamlValue::make_sequence(std::move(level.items), mark),
                   level.values, level.levels};
        add(std::move(done), mark, level.anchor);
    }

    void add(Sized sized, const SourceMark& where, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) {
            anchors_[anchor] = sized;
        }
        if (open_.empty()) {
            root_ = std::move(sized.value);
            return;
        }
        Open& parent = open_.back();
        if (static_cast<int>(open_.size()) + sized.levels > kDeepest + 1) {
            too_deep(where);
        }
        parent.levels = std::max(parent.levels, sized.levels + 1);
        parent.values += sized.values;
        if (parent.values > kMostValues) {
            give_up(where, "more than " + format_count(kMostValues) +
                               " values, those that aliases stand for included");
        }
        if (!parent.is_map) {
            parent.items.push_back(std::move(sized.value));
        } else if (!parent.has_key) {
            take_key(parent, sized.value, where);
        } else {
            if (!parent.drop_value) {
                parent.entries.push_back({parent.key, parent.key_mark, std::move(sized.value)});
            }
            parent.has_key = false;
        }
    }

    void take_key(Open& map, const YamlValue& key, const SourceMark& where) {
        map.has_key = true;
        map.drop_value = true;
        map.key_mark = where;
        if (!key.is_scalar() || key.text().empty()) {
            faults_.error(where, "expected a name as the key");
            return;
        }
        map.key = key.text();
        if (map.key == "<<") {
            faults_.error(where, "merge keys ('<<') are not supported");
            return;
        }
        const auto [first, is_new] = map.first_lines.emplace(map.key, where.line);
        if (!is_new) {
            const std::string at_line = " (first at line " + std::to_string(first->second) + ")";
            faults_.error(where,
                          "duplicate key '" + map.key + "'" + (where.line > 0 ? at_line : ""));
            return;
        }
        map.drop_value = false;
    }

    [[noreturn]] static void too_deep(const SourceMark& where) {
        give_up(where, "nested deeper than " + std::to_string(kDeepest) + " levels");
    }

    std::string shown_as_;
    Diagnostics& faults_;
    YamlValue root_;
    int documents_ = 0;
    std::vector<Open> open_;
    std::unordered_map<YAML::anchor_t, Sized> anchors_;
    YAML::Mark last_quoted_ = YAML::Mark::null_mark();
};

/// True where `text`, from the beginning of a node on, opens a quote that never closes. The parser
/// takes the end of the file for the end of the quote.
bool leaves_quote_open(std::string_view text) {
    // Anchors (&name) and tags (!name) stand before the quote.
    while (!text.empty() && (text.front() == '&' || text.front() == '!')) {
        text.remove_prefix(std::min(text.find_first_of(" \t\n"), text.size()));
        text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
    }
    if (text.empty() || (text.front() != '\'' && text.front() != '"')) {
        return false;
    }
    const char quote = text.front();
    for (std::size_t at = 1; at < text.size(); ++at) {
        const bool pair = quote == '"' ? text[at] == '\\' : text.substr(at).starts_with("''");
        if (pair) {
            ++at;
        } else if (text[at] == quote) {
            return false;
        }
    }
    return true;
}

/// One line feed a line, no byte order mark. Control characters are faults: one of them ends the
/// parser's input. So are bytes that are no UTF-8: names go to files that would not be read again.
std::string clean_text(const std::string& raw, const std::string& shown_as) {
    std::string text;
    text.reserve(raw.size());
    SourceMark where{shown_as, 1, 0};
    for (std::size_t at = raw.starts_with("\xEF\xBB\xBF") ? 3 : 0; at < raw.size(); ++at) {
        const auto byte = static_cast<unsigned char>(raw[at]);
        ++where.column;
        if (byte == '\r') {
            if (at + 1 < raw.size() && raw[at + 1] == '\n') {
                continue;
            }
            text += '\n';
        } else if (byte < 0x20 && byte != '\n' && byte != '\t') {
            give_up(where, "expected text, found control character " + std::to_string(byte));
        } else if (const std::size_t length = utf8_length(raw, at); length == 0) {
            give_up(where, "expected UTF-8 text, found byte " + std::to_string(byte));
        } else {
            text.append(raw, at, length);
            at += length - 1;
        }
        if (text.back() == '\n') {
            where = {shown_as, where.line + 1, 0};
        }
    }
    return text;
}

/// Tells of a text that is no YAML: that a tab stands before the first word of the line where the
/// parser gave up, else what the parser says.
[[noreturn]] void give_up_parsing(const std::string& text, const std::string& shown_as,
                                  const YAML::Exception& error) {
    std::istringstream lines(text);
    std::string line;
    for (int number = 0; number <= error.mark.line; ++number) {
        std::getline(lines, line);
    }
    const std::size_t tab = line.find('\t');
    if (tab < line.find_first_not_of(" \t")) {
        give_up({shown_as, error.mark.line + 1, static_cast<int>(tab) + 1},
                "no YAML: a tab indents the line; expected spaces");
    }
    give_up({shown_as, error.mark.line + 1, error.mark.column + 1}, "no YAML: " + error.msg);
}

}  // namespace

YamlValue read_yaml_text(const std::string& text, const std::string& shown_as,
                         Diagnostics& faults) {
    const std::string clean = clean_text(text, shown_as);
    std::istringstream stream(clean);
    TreeBuilder builder(shown_as, faults);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const YAML::Exception& error) {
        give_up_parsing(clean, shown_as, error);
    }
    const YAML::Mark& quote = builder.last_quoted();
    if (!quote.is_null() &&
        leaves_quote_open(std::string_view(clean).substr(static_cast<std::size_t>(quote.pos)))) {
        give_up({shown_as, quote.line + 1, quote.column + 1}, "no YAML: a quote is not closed");
    }
    const YamlValue& root = builder.root();
    return root.mark().line > 0 ? root : YamlValue::make_null({shown_as, 1, 1});
}

YamlValue read_yaml_file(const std::filesystem::path& path, const std::string& shown_as,
                         Diagnostics& faults) {
    const std::string text = read_file_whole(path, shown_as, "a YAML file", Bytes(kLargestFile));
    return read_yaml_text(text, shown_as, faults);
}

}  // namespace memwall
