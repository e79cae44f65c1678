// SPDX-License-Identifier: Apache-2.0
// SCALE-Sim topologies: "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width,
// Channels, Num Filter, Strides," or "Layer, M, N, K,", then a line a layer.
#include <algorithm>
#include <optional>

#include "workloads/importers/draft.hpp"
#include "workloads/importers/formats.hpp"
#include "workloads/importers/text_lines.hpp"

namespace memwall::importers {
namespace {

using Line = std::vector<Field>;

bool is_gemm_header(const Line& header) {
    const auto is = [&](std::size_t column, const char* name) {
        return column < header.size() && lower(header[column].text) == name;
    };
    return is(1, "m") && is(2, "n") && is(3, "k");
}

bool is_conv_header(const Line& header) {
    const auto holds = [&](std::size_t column, const char* word) {
        return column < header.size() && lower(header[column].text).find(word) != std::string::npos;
    };
    return holds(1, "ifmap") && holds(3, "filter") && holds(5, "channel") && holds(7, "stride");
}

struct Conv {
    std::string name;
    std::int64_t rows, columns, kernel_rows, kernel_columns, channels, filters, stride_rows,
        stride_columns;
    std::optional<Field> sparsity;
    SourceMark where;
};

class Reader {
public:
    Reader(const ImportFile& file, Diagnostics& faults)
        : file_(file),
          faults_(faults),
          draft_(file.stem(), "SCALE-Sim topology " + file.path.filename().string(),
                 {file.shown_as, 1, 1}) {}

    Imported read() {
        const std::vector<Line> lines = comma_lines(file_.content, file_.shown_as);
        if (lines.empty() || (!is_gemm_header(lines[0]) && !is_conv_header(lines[0]))) {
            faults_.error({file_.shown_as, 1, 1},
                          "expected the header of a SCALE-Sim topology: 'Layer name, IFMAP Height, "
                          "...' or 'Layer, M, N, K'");
            return {};
        }
        const bool gemm = is_gemm_header(lines[0]);
        for (std::size_t line = 1; line < lines.size(); ++line) {
            if (gemm) {
                read_gemm(lines[line]);
            } else {
                read_conv(lines[line]);
            }
        }
        add_convs();
        if (draft_.empty() && faults_.empty()) {
            faults_.error({file_.shown_as, 1, 1}, "expected at least one layer under the header");
        }
        notes_.insert(notes_.begin(),
                      "the file does not say how layers are connected: each reads an input of its "
                      "own");
        return {draft_.tree(), notes_};
    }

private:
    /// The numbers behind a line's name, `least` to `most` of them; none where one is wrong.
    std::vector<std::int64_t> numbers(const Line& line, const std::vector<const char*>& columns,
                                      std::size_t least) {
        if (line.size() < least + 1 || line.size() > columns.size() + 1) {
            faults_.error(line[0].where, "layer '" + line[0].text + "': expected " +
                                             std::to_string(least) + " numbers, found " +
                                             std::to_string(line.size() - 1));
            return {};
        }
        std::vector<std::int64_t> values;
        for (std::size_t column = 1; column < line.size(); ++column) {
            if (const auto value = positive(line[column], columns[column - 1], faults_)) {
                values.push_back(*value);
            }
        }
        return values.size() + 1 == line.size() ? values : std::vector<std::int64_t>{};
    }

    /// Newer topologies end in a ratio of sparsity, "2:4": taken off the line. Nothing where there
    /// is none, or where all weights are dense.
    std::optional<Field> take_sparsity(Line& line) {
        const Field last = line.back();
        const std::size_t colon = last.text.find(':');
        if (line.size() < 2 || colon == std::string::npos) {
            return std::nullopt;
        }
        line.pop_back();
        const std::string before(trimmed(std::string_view(last.text).substr(0, colon)));
        const std::string behind(trimmed(std::string_view(last.text).substr(colon + 1)));
        const auto kept = positive({before, last.where}, "sparsity, before the colon", faults_);
        const auto of = positive({behind, last.where}, "sparsity, behind the colon", faults_);
        if (kept && of && *kept > *of) {
            faults_.error(last.where,
                          "sparsity: expected N:M with N at most M, found '" + last.text + "'");
        }
        if (!kept || !of || *kept >= *of) {
            return std::nullopt;
        }
        return Field{before + ":" + behind, last.where};
    }

    void prune(const std::string& layer, const std::optional<Field>& sparsity) {
        if (sparsity) {
            draft_.prune(layer, sparsity->text, sparsity->where);
        }
    }

    void read_gemm(Line line) {
        const auto sparsity = take_sparsity(line);
        const std::vector<std::int64_t> mnk = numbers(line, {"M", "N", "K"}, 3);
        if (mnk.empty()) {
            return;
        }
        DraftLayer layer = {draft_.take_name(line[0].text), "linear", {}, {}, line[0].where};
        layer.inputs = {draft_.take_name(layer.name + "_input")};
        draft_.add_input(layer.inputs[0], {mnk[0], mnk[2]}, "", layer.where);
        layer.set("out_features", mnk[1]).set_flag("bias", false);
        prune(layer.name, sparsity);
        draft_.add_layer(std::move(layer));
    }

    void read_conv(Line line) {
        const auto sparsity = take_sparsity(line);
        const std::vector<std::int64_t> n =
            numbers(line,
                    {"IFMAP height", "IFMAP width", "filter height", "filter width", "channels",
                     "number of filters", "stride", "second stride"},
                    7);
        if (!n.empty()) {
            convs_.push_back({line[0].text, n[0], n[1], n[2], n[3], n[4], n[5], n[6],
                              n.size() > 7 ? n[7] : n[6], sparsity, line[0].where});
        }
    }

    /// One filter over several channels, all of which the next layer reads: how these files write a
    /// depthwise convolution.
    [[nodiscard]] bool is_depthwise(std::size_t c) const {
        return convs_[c].filters == 1 && convs_[c].channels > 1 && c + 1 < convs_.size() &&
               convs_[c + 1].channels == convs_[c].channels;
    }

    /// SCALE-Sim rounds the number of positions up: the last one may reach beyond the image.
    static std::int64_t beyond(std::int64_t image, std::int64_t kernel, std::int64_t stride) {
        const std::int64_t positions =
            (std::max<std::int64_t>(0, image - kernel) + stride - 1) / stride + 1;
        return std::max<std::int64_t>(0, (positions - 1) * stride + kernel - image);
    }

    void add_convs() {
        bool depthwise = false;
        for (std::size_t c = 0; c < convs_.size(); ++c) {
            const Conv& conv = convs_[c];
            if (conv.kernel_rows > conv.rows || conv.kernel_columns > conv.columns) {
                faults_.error(conv.where, "layer '" + conv.name +
                                              "': the filter is larger than the feature map");
                continue;
            }
            DraftLayer layer = {draft_.take_name(conv.name), "conv", {}, {}, conv.where};
            layer.inputs = {draft_.take_name(layer.name + "_input")};
            draft_.add_input(layer.inputs[0], {conv.channels, conv.rows, conv.columns}, "",
                             conv.where);
            layer.set("out_channels", is_depthwise(c) ? conv.channels : conv.filters);
            layer.set_list("kernel", {conv.kernel_rows, conv.kernel_columns});
            layer.set_list("stride", {conv.stride_rows, conv.stride_columns});
            layer.set_list("padding",
                           {0, 0, beyond(conv.rows, conv.kernel_rows, conv.stride_rows),
                            beyond(conv.columns, conv.kernel_columns, conv.stride_columns)});
            if (is_depthwise(c)) {
                depthwise = true;
                layer.set("groups", conv.channels);
            }
            prune(layer.name, conv.sparsity);
            draft_.add_layer(std::move(layer.set_flag("bias", false)));
        }
        if (depthwise) {
            notes_.emplace_back(
                "a layer of one filter whose channels the next layer reads is taken for a "
                "depthwise convolution: the same MACs and weights");
        }
    }

    const ImportFile& file_;
    Diagnostics& faults_;
    NetworkDraft draft_;
    std::vector<std::string> notes_;
    std::vector<Conv> convs_;
};

}  // namespace

bool recognises_scale_sim(const ImportFile& file) {
    if (is_binary(file.content)) {
        return false;
    }
    const std::size_t end = file.content.find('\n');
    const auto lines = comma_lines(std::string_view(file.content).substr(0, end), file.shown_as);
    return !lines.empty() && (is_gemm_header(lines[0]) || is_conv_header(lines[0]));
}

Imported read_scale_sim(const ImportFile& file, const ImportOptions& /*options*/,
                        Diagnostics& faults) {
    return Reader(file, faults).read();
}

}  // namespace memwall::importers
