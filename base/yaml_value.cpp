// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_value.hpp"

#include <utility>

namespace memwall {

struct YamlValue::Node {
    Kind kind = Kind::null;
    SourceMark mark;
    std::string text;
    std::vector<YamlValue> items;
    std::vector<Entry> entries;
};

YamlValue::Kind YamlValue::kind() const {
    return node_ ? node_->kind : Kind::null;
}

const SourceMark& YamlValue::mark() const {
    static const SourceMark kNowhere;
    return node_ ? node_->mark : kNowhere;
}

const std::string& YamlValue::text() const {
    static const std::string kEmpty;
    return node_ ? node_->text : kEmpty;
}

const std::vector<YamlValue>& YamlValue::items() const {
    static const std::vector<YamlValue> kNone;
    return node_ ? node_->items : kNone;
}

const std::vector<YamlValue::Entry>& YamlValue::entries() const {
    static const std::vector<Entry> kNone;
    return node_ ? node_->entries : kNone;
}

const YamlValue* YamlValue::find(std::string_view key) const {
    for (const Entry& entry : entries()) {
        if (entry.key == key) {
            return &entry.value;
        }
    }
    return nullptr;
}

YamlValue YamlValue::make_null(SourceMark mark) {
    YamlValue value;
    value.node_ = std::make_shared<const Node>(Node{Kind::null, std::move(mark), {}, {}, {}});
    return value;
}

YamlValue YamlValue::make_scalar(std::string text, SourceMark mark) {
    YamlValue value;
    value.node_ =
        std::make_shared<const Node>(Node{Kind::scalar, std::move(mark), std::move(text), {}, {}});
    return value;
}

YamlValue YamlValue::make_sequence(std::vector<YamlValue> items, SourceMark mark) {
    YamlValue value;
    value.node_ = std::make_shared<const Node>(
        Node{Kind::sequence, std::move(mark), {}, std::move(items), {}});
    return value;
}

YamlValue YamlValue::make_map(std::vector<Entry> entries, SourceMark mark) {
    YamlValue value;
    value.node_ =
        std::make_shared<const Node>(Node{Kind::map, std::move(mark), {}, {}, std::move(entries)});
    return value;
}

}  // namespace memwall
