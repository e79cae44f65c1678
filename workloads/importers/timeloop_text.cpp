// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/timeloop_text.hpp"

#include <algorithm>

#include "base/yaml.hpp"
#include "workloads/importers/text_lines.hpp"

namespace memwall::importers {
namespace {

namespace fs = std::filesystem;

constexpr int kDeepestInclude = 8;
constexpr std::size_t kMostLines = 200'000;
constexpr const char* kMerge = "<<<";

/// The file that a line asks for; "" where it asks for none.
std::string included(std::string_view line) {
    const std::string_view text = trimmed(line);
    if (!text.starts_with("{{") || !text.ends_with("}}")) {
        return "";
    }
    const std::string_view call = trimmed(text.substr(2, text.size() - 4));
    if (!call.starts_with("include_text(") || !call.ends_with(")")) {
        return "";
    }
    const std::string_view path = trimmed(call.substr(13, call.size() - 14));
    const bool quoted = path.size() > 2 && (path[0] == '\'' || path[0] == '"');
    return quoted ? std::string(path.substr(1, path.size() - 2)) : "";
}

class Expander {
public:
    Expander(TimeloopText& result, Diagnostics& faults) : result_(result), faults_(faults) {}

    void expand(const ImportFile& file, int depth) {
        int number = 1;
        for (std::size_t begin = 0; begin < file.content.size(); ++number) {
            const std::size_t end = std::min(file.content.find('\n', begin), file.content.size());
            const std::string line = file.content.substr(begin, end - begin);
            begin = end + 1;
            if (result_.lines.size() >= kMostLines) {
                faults_.error({file.shown_as, number, 1}, "more than 200,000 lines");
                return;
            }
            const std::string wanted = included(line);
            if (wanted.empty()) {
                result_.text += line + "\n";
                result_.lines.push_back({file.shown_as, number});
            } else if (!include(file, wanted, {file.shown_as, number, 1}, depth)) {
                return;
            }
        }
    }

private:
    bool include(const ImportFile& file, const std::string& wanted, const SourceMark& where,
                 int depth) {
        const fs::path beside = file.path.parent_path();
        fs::path path = beside / wanted;
        std::error_code status;
        if (!fs::is_regular_file(path, status)) {
            path = beside / fs::path(wanted).filename();
        }
        if (!fs::is_regular_file(path, status)) {
            faults_.error(where, "no file '" + wanted + "' to include");
            return false;
        }
        if (depth >= kDeepestInclude) {
            faults_.error(where, "files include each other more than 8 deep");
            return false;
        }
        if (fs::file_size(path, status) > (std::uintmax_t{1} << 20U)) {
            faults_.error(where, "'" + wanted + "' is larger than 1 MiB");
            return false;
        }
        expand(read_import_file(path), depth + 1);
        return faults_.empty();
    }

    TimeloopText& result_;
    Diagnostics& faults_;
};

/// `own` with what only `base` has; where both have a map, these joined.
std::vector<YamlValue::Entry> joined(std::vector<YamlValue::Entry> own, const YamlValue& base) {
    for (const YamlValue::Entry& entry : base.entries()) {
        const auto mine = std::find_if(own.begin(), own.end(),
                                       [&](const auto& each) { return each.key == entry.key; });
        if (mine == own.end()) {
            own.push_back(entry);
        } else if (mine->value.is_map() && entry.value.is_map()) {
            mine->value =
                YamlValue::make_map(joined(mine->value.entries(), entry.value), mine->value.mark());
        }
    }
    return own;
}

}  // namespace

YamlValue TimeloopText::read(Diagnostics& faults) const {
    return read_yaml_text(text, shown_as, faults);
}

SourceMark TimeloopText::place(const SourceMark& in_text) const {
    const auto line = static_cast<std::size_t>(in_text.line);
    if (line == 0 || line > lines.size()) {
        return in_text;
    }
    return {lines[line - 1].shown_as, lines[line - 1].number, in_text.column};
}

TimeloopText expand_timeloop(const ImportFile& file, Diagnostics& faults) {
    TimeloopText result;
    result.shown_as = file.shown_as;
    Expander(result, faults).expand(file, 0);
    return result;
}

YamlValue merged(const YamlValue& value) {
    if (value.is_sequence()) {
        std::vector<YamlValue> items;
        for (const YamlValue& item : value.items()) {
            items.push_back(merged(item));
        }
        return YamlValue::make_sequence(std::move(items), value.mark());
    }
    if (!value.is_map()) {
        return value;
    }
    std::vector<YamlValue::Entry> own;
    std::vector<YamlValue> bases;
    for (const YamlValue::Entry& entry : value.entries()) {
        if (entry.key == kMerge) {
            bases.push_back(merged(entry.value));
        } else {
            own.push_back({entry.key, entry.key_mark, merged(entry.value)});
        }
    }
    for (const YamlValue& base : bases) {
        own = joined(std::move(own), base);
    }
    return YamlValue::make_map(std::move(own), value.mark());
}

}  // namespace memwall::importers
