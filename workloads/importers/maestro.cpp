// SPDX-License-Identifier: Apache-2.0
// MAESTRO layer files: Network NAME { Layer NAME { Type: CONV Stride {X: 2, Y: 2} Dimensions {K:
// 64, C: 3, R: 7, S: 7, Y: 224, X: 224} Dataflow {...} } ... }. Mappings in them are left out.
#include <algorithm>
#include <map>
#include <set>

#include "workloads/importers/draft.hpp"
#include "workloads/importers/formats.hpp"
#include "workloads/importers/text_lines.hpp"

namespace memwall::importers {
namespace {

/// Words and single characters; comments are left out.
class Tokens {
public:
    Tokens(std::string_view text, const std::string& shown_as) : text_(text), shown_as_(shown_as) {
        advance();
    }

    [[nodiscard]] const Field& peek() const { return next_; }
    [[nodiscard]] bool at_end() const { return next_.text.empty(); }
    [[nodiscard]] bool is(const char* text) const { return next_.text == text; }

    Field take() {
        Field taken = next_;
        advance();
        return taken;
    }
    bool take_if(const char* text) {
        const bool there = is(text);
        if (there) {
            advance();
        }
        return there;
    }

private:
    static bool ends_word(char c) {
        return std::string_view(" \t\r\n{}(),:;").find(c) != std::string_view::npos;
    }

    void step() {
        line_ += text_[at_] == '\n' ? 1 : 0;
        column_ = text_[at_] == '\n' ? 1 : column_ + 1;
        ++at_;
    }

    void skip_comments() {
        while (at_ < text_.size()) {
            const std::string_view rest = text_.substr(at_);
            if (rest.starts_with("//")) {
                while (at_ < text_.size() && text_[at_] != '\n') {
                    step();
                }
            } else if (rest.starts_with("/*")) {
                const std::size_t end = std::min(rest.find("*/", 2), rest.size() - 2) + 2;
                for (std::size_t n = 0; n < end; ++n) {
                    step();
                }
            } else if (trimmed(rest.substr(0, 1)).empty()) {
                step();
            } else {
                return;
            }
        }
    }

    void advance() {
        skip_comments();
        next_ = {"", {shown_as_, line_, column_}};
        while (at_ < text_.size() && !ends_word(text_[at_])) {
            next_.text += text_[at_];
            step();
        }
        if (next_.text.empty() && at_ < text_.size()) {
            next_.text = text_[at_];
            step();
        }
    }

    std::string_view text_;
    const std::string& shown_as_;
    std::size_t at_ = 0;
    int line_ = 1;
    int column_ = 1;
    Field next_;
};

/// A layer as the file says it.
struct Stated {
    Field name;
    Field type;
    std::map<std::string, std::int64_t> stride;
    std::map<std::string, std::int64_t> sizes;

    [[nodiscard]] std::int64_t stride_of(const std::string& key, std::int64_t unsaid = 1) const {
        const auto found = stride.find(key);
        return found == stride.end() ? unsaid : found->second;
    }
    [[nodiscard]] std::int64_t size(const std::string& key) const {
        const auto found = sizes.find(key);
        return found == sizes.end() ? 1 : found->second;
    }
};

class Reader {
public:
    Reader(const ImportFile& file, const ImportOptions& options, Diagnostics& faults)
        : file_(file), options_(options), faults_(faults), tokens_(file.content, file_.shown_as) {}

    Imported read() {
        if (!expect("Network")) {
            return {};
        }
        const Field name = tokens_.take();
        NetworkDraft draft(name.text, "MAESTRO layer file " + file_.path.filename().string(),
                           name.where);
        bool sound = expect("{");
        while (sound && !tokens_.take_if("}")) {
            Stated layer;
            sound = read_layer(layer);
            if (sound) {
                add(layer, draft);
            }
        }
        if (draft.empty() && faults_.empty()) {
            faults_.error(name.where, "network '" + name.text + "' has no layer" +
                                          (notes_.empty() ? "" : " that can be expressed"));
        }
        notes_.insert(notes_.begin(),
                      "the file does not say how layers are connected: each reads an input of its "
                      "own");
        if (mapped_) {
            notes_.emplace_back("mappings (Dataflow) are left out");
        }
        return {draft.tree(), notes_};
    }

private:
    bool expect(const char* text) {
        if (tokens_.take_if(text)) {
            return true;
        }
        faults_.error(
            tokens_.peek().where,
            std::string("expected '") + text + "', found " +
                (tokens_.at_end() ? "the end of the file" : "'" + tokens_.peek().text + "'"));
        return false;
    }

    bool read_layer(Stated& layer) {
        if (!expect("Layer")) {
            return false;
        }
        layer.name = tokens_.take();
        if (!expect("{")) {
            return false;
        }
        while (!tokens_.take_if("}")) {
            const Field key = tokens_.take();
            if (key.text == "Type") {
                tokens_.take_if(":");
                layer.type = tokens_.take();
            } else if (key.text == "Stride") {
                if (!read_sizes(layer, {"X", "Y"}, layer.stride)) {
                    return false;
                }
            } else if (key.text == "Dimensions") {
                if (!read_sizes(layer, {"N", "K", "C", "R", "S", "Y", "X", "G", "M"},
                                layer.sizes)) {
                    return false;
                }
            } else if (key.text == "Dataflow") {
                mapped_ = true;
                if (!skip_block()) {
                    return false;
                }
            } else {
                faults_.error(key.where, "unknown key '" + key.text + "' in layer '" +
                                             layer.name.text +
                                             "'; expected Type, Stride, Dimensions or Dataflow");
                return false;
            }
        }
        return true;
    }

    /// "{ K: 64, C 3 }"
    bool read_sizes(const Stated& layer, const std::set<std::string>& known,
                    std::map<std::string, std::int64_t>& sizes) {
        if (!expect("{")) {
            return false;
        }
        while (!tokens_.take_if("}")) {
            const Field key = tokens_.take();
            tokens_.take_if(":");
            const Field value = tokens_.take();
            tokens_.take_if(",");
            const std::string what = "'" + key.text + "' in layer '" + layer.name.text + "'";
            if (!known.contains(key.text)) {
                faults_.error(key.where, "unknown dimension " + what);
                return false;
            }
            const auto size = positive(value, what, faults_);
            if (!size) {
                return false;
            }
            sizes[key.text] = *size;
        }
        return true;
    }

    bool skip_block() {
        if (!expect("{")) {
            return false;
        }
        for (std::int64_t open = 1; open > 0;) {
            if (tokens_.at_end()) {
                return expect("}");
            }
            const Field token = tokens_.take();
            open += token.text == "{" ? 1 : token.text == "}" ? -1 : 0;
        }
        return true;
    }

    void add(const Stated& layer, NetworkDraft& draft) {
        const std::string type = lower(layer.type.text);
        if (layer.size("N") > 1 && type != "gemm") {
            notes_.push_back("layer '" + layer.name.text + "' has a batch of " +
                             std::to_string(layer.size("N")) + ": the network is of one item");
        }
        if (type == "gemm") {
            DraftLayer linear = started(layer, "linear", {layer.size("M"), layer.size("K")}, draft);
            linear.set("out_features", layer.size("N")).set_flag("bias", false);
            draft.add_layer(std::move(linear));
        } else if (type == "conv" || type == "dsconv" || type == "ngconv") {
            add_conv(layer, draft, type);
        } else if (type == "trconv") {
            add_transposed(layer, draft);
        } else if (options_.skip_unsupported) {
            notes_.push_back("left out: layer '" + layer.name.text + "' of type " +
                             layer.type.text);
        } else {
            faults_.error(layer.type.where, "layer '" + layer.name.text + "': type '" +
                                                layer.type.text +
                                                "' cannot be expressed; expected CONV, DSCONV, "
                                                "NGCONV, TRCONV or GEMM");
        }
    }

    static DraftLayer started(const Stated& layer, const char* op, const Shape& input,
                              NetworkDraft& draft) {
        DraftLayer made = {draft.take_name(layer.name.text), op, {}, {}, layer.name.where};
        made.inputs = {draft.take_name(made.name + "_input")};
        draft.add_input(made.inputs[0], input, "", layer.name.where);
        return made;
    }

    /// C channels in all; K filters for each of them where it is depthwise.
    static void add_conv(const Stated& layer, NetworkDraft& draft, const std::string& type) {
        const std::int64_t channels = layer.size("C");
        const bool depthwise = type == "dsconv";
        DraftLayer conv =
            started(layer, "conv", {channels, layer.size("Y"), layer.size("X")}, draft);
        conv.set("out_channels", depthwise ? channels * layer.size("K") : layer.size("K"));
        conv.set_list("kernel", {layer.size("R"), layer.size("S")});
        conv.set_list("stride", {layer.stride_of("Y"), layer.stride_of("X")});
        if (depthwise || layer.size("G") > 1) {
            conv.set("groups", depthwise ? channels : layer.size("G"));
        }
        draft.add_layer(std::move(conv.set_flag("bias", false)));
    }

    /// MAESTRO's own reader gives every TRCONV two steps between inputs, and files state no other
    /// (its DFSL_parser.hpp, inner_stride).
    void add_transposed(const Stated& layer, NetworkDraft& draft) {
        constexpr std::int64_t kUnsaid = 2;
        if (layer.stride.empty()) {
            notes_.push_back("layer '" + layer.name.text +
                             "' (TRCONV) states no stride: it is 2, as in MAESTRO");
        }
        DraftLayer conv = started(layer, "conv_transpose",
                                  {layer.size("C"), layer.size("Y"), layer.size("X")}, draft);
        conv.set("out_channels", layer.size("K"));
        conv.set_list("kernel", {layer.size("R"), layer.size("S")});
        conv.set_list("stride", {layer.stride_of("Y", kUnsaid), layer.stride_of("X", kUnsaid)});
        if (layer.size("G") > 1) {
            conv.set("groups", layer.size("G"));
        }
        draft.add_layer(std::move(conv.set_flag("bias", false)));
    }

    const ImportFile& file_;
    const ImportOptions& options_;
    Diagnostics& faults_;
    Tokens tokens_;
    std::vector<std::string> notes_;
    bool mapped_ = false;
};

}  // namespace

bool recognises_maestro(const ImportFile& file) {
    return !is_binary(file.content) && has_line(file.content, "Network ") &&
           file.content.find("Layer ") != std::string::npos;
}

Imported read_maestro(const ImportFile& file, const ImportOptions& options, Diagnostics& faults) {
    return Reader(file, options, faults).read();
}

}  // namespace memwall::importers
