// SPDX-License-Identifier: Apache-2.0
#include "arch/dram_mapping.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace memwall {
namespace {

const std::vector<std::string>& field_names() {
    static const std::vector<std::string> kNames = {"row", "bank", "bank_group", "column"};
    return kNames;
}

/// By field: how many bits the geometry needs; the row has what is left.
std::array<std::int64_t, kDramFieldCount> needed_bits(const DramConfig& dram) {
    const auto bits = [](std::int64_t count) {
        return static_cast<std::int64_t>(std::countr_zero(static_cast<std::uint64_t>(count)));
    };
    std::array<std::int64_t, kDramFieldCount> needed{};
    needed[static_cast<std::size_t>(DramField::bank)] = bits(dram.banks / dram.bank_groups);
    needed[static_cast<std::size_t>(DramField::bank_group)] = bits(dram.bank_groups);
    needed[static_cast<std::size_t>(DramField::column)] =
        bits(dram.row.count() / dram.burst.count());
    return needed;
}

/// "column:2" or "column", or nothing with the fault reported.
struct FieldAndNumber {
    DramField field = DramField::row;
    std::optional<std::int64_t> number;
};
std::optional<FieldAndNumber> parse_field(const std::string& text, const YamlValue& at,
                                          const std::string& what, Diagnostics& faults) {
    const std::size_t colon = text.find(':');
    const std::string word = text.substr(0, colon);
    const auto& names = field_names();
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end()) {
        faults.error(at.mark(), what + ": unknown field '" + word + "'" + suggestion(word, names));
        return std::nullopt;
    }
    FieldAndNumber read{static_cast<DramField>(found - names.begin()), std::nullopt};
    if (colon != std::string::npos) {
        const Parsed<std::int64_t> number = parse_count(text.substr(colon + 1));
        const auto* count = std::get_if<std::int64_t>(&number);
        if (count == nullptr || *count < 0 || *count > 40) {
            faults.error(at.mark(), what +
                                        ": expected a field and 0 to 40 bits such as column:2, " +
                                        "found '" + text + "'");
            return std::nullopt;
        }
        read.number = *count;
    }
    return read;
}

void check_bits(MapReader& reader, const DramMapping& mapping, const DramConfig& dram) {
    const auto needed = needed_bits(dram);
    for (std::size_t f = 1; f < kDramFieldCount; ++f) {
        std::int64_t given = 0;
        for (const DramMapping::Bits& bits : mapping.bits) {
            given += bits.field == static_cast<DramField>(f) ? bits.count : 0;
        }
        if (given != needed[f]) {
            reader.error("mapping", "'mapping' in " + reader.what() + ": expected " +
                                        std::to_string(needed[f]) + " bits of the " +
                                        field_names()[f] + ", found " + std::to_string(given));
        }
    }
}

void read_hashes(MapReader& reader, const DramConfig& dram, DramMapping& mapping) {
    const auto widths = needed_bits(dram);
    const std::string what = "'mapping_xor' in " + reader.what();
    for (const YamlValue& item : reader.optional_items("mapping_xor")) {
        const std::size_t space = item.text().find(' ');
        if (space == std::string::npos) {
            reader.faults().error(item.mark(), what + ": expected a field and what is XORed into " +
                                                   "it such as 'bank column:2', found '" +
                                                   item.text() + "'");
            continue;
        }
        const auto field = parse_field(item.text().substr(0, space), item, what, reader.faults());
        const auto with = parse_field(item.text().substr(space + 1), item, what, reader.faults());
        if (!field || !with) {
            continue;
        }
        const bool bank = field->field == DramField::bank || field->field == DramField::bank_group;
        const bool other = with->field == DramField::row || with->field == DramField::column;
        if (!bank || !other) {
            reader.faults().error(item.mark(), what +
                                                   ": expected bits of the row or the column in "
                                                   "the bank or the bank_group, found '" +
                                                   item.text() + "'");
            continue;
        }
        const std::int64_t bit = with->number.value_or(0);
        const std::int64_t width = widths[static_cast<std::size_t>(with->field)];
        if (with->field == DramField::column && bit >= width) {
            reader.faults().error(item.mark(), what + ": expected a bit of the column below " +
                                                   std::to_string(width) + ", found '" +
                                                   item.text() + "'");
            continue;
        }
        mapping.hashes.push_back({field->field, with->field, bit});
    }
}

/// The position in a burst's number of each bit of each field, lowest first.
using FieldBits = std::array<std::vector<int>, kDramFieldCount>;

FieldBits field_bits(const DramMapping& mapping) {
    FieldBits found;
    int position = 0;
    for (std::size_t entry = mapping.bits.size(); entry > 0; --entry) {
        const DramMapping::Bits& bits = mapping.bits[entry - 1];
        for (std::int64_t bit = 0; bit < bits.count; ++bit) {
            found[static_cast<std::size_t>(bits.field)].push_back(position++);
        }
    }
    for (; position < 62; ++position) {  // the row has what is left
        found[static_cast<std::size_t>(DramField::row)].push_back(position);
    }
    return found;
}

}  // namespace

// MODEL: an address is cut into fields by the bits that the DRAM's file gives; a field may be XORed
// with another's bits (RoBaRaCoCh and MOP4CLXOR of DRAM simulators are two such mappings).
AddressBits address_bits(const DramMapping& mapping) {
    const FieldBits fields = field_bits(mapping);
    const auto of = [&](DramField field) -> const std::vector<int>& {
        return fields[static_cast<std::size_t>(field)];
    };
    AddressBits address;
    for (const DramField field : {DramField::bank, DramField::bank_group}) {
        for (std::size_t bit = 0; bit < of(field).size(); ++bit) {
            std::uint64_t mask = std::uint64_t{1} << static_cast<unsigned>(of(field)[bit]);
            for (const DramMapping::Hash& hash : mapping.hashes) {
                const std::size_t with = static_cast<std::size_t>(hash.from) + bit;
                if (hash.field == field && with < of(hash.with).size()) {
                    mask ^= std::uint64_t{1} << static_cast<unsigned>(of(hash.with)[with]);
                }
            }
            address.bank.push_back(mask);
        }
    }
    address.row_shift = of(DramField::row).front();
    return address;
}

std::int64_t banks_of_run(const DramMapping& mapping, std::int64_t bursts) {
    const auto changing =
        static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(bursts - 1)));
    const std::uint64_t low = (std::uint64_t{1} << changing) - 1;
    // Bits of the bank that are independent of each other, as far as the run reaches.
    std::vector<std::uint64_t> independent;
    for (std::uint64_t bits : address_bits(mapping).bank) {
        bits &= low;
        for (const std::uint64_t other : independent) {
            bits = std::min(bits, bits ^ other);
        }
        if (bits != 0) {
            independent.push_back(bits);
        }
    }
    return std::min(bursts, std::int64_t{1} << independent.size());
}

DramMapping default_mapping(const DramConfig& dram) {
    const auto needed = needed_bits(dram);
    DramMapping mapping;
    for (const DramField field :
         {DramField::row, DramField::bank, DramField::column, DramField::bank_group}) {
        mapping.bits.push_back({field, needed[static_cast<std::size_t>(field)]});
    }
    return mapping;
}

DramMapping read_dram_mapping(MapReader& reader, const DramConfig& dram) {
    DramMapping mapping;
    const std::string what = "'mapping' in " + reader.what();
    const std::size_t faults_before = reader.faults().faults().size();
    auto left = needed_bits(dram);
    std::vector<std::size_t> open;  // entries that take what is left of their field
    for (const YamlValue& item : reader.optional_items("mapping")) {
        const bool row = item.text() == "row";
        if (row != mapping.bits.empty()) {
            reader.faults().error(item.mark(),
                                  what + ": expected 'row' once and first, from the most " +
                                      "significant bit down, found '" + item.text() + "'");
            break;
        }
        const auto field = parse_field(item.text(), item, what, reader.faults());
        if (!field) {
            continue;
        }
        if (!row && !field->number) {
            const auto same = [&](std::size_t entry) {
                return mapping.bits[entry].field == field->field;
            };
            if (std::any_of(open.begin(), open.end(), same)) {
                reader.faults().error(item.mark(), what + ": '" + item.text() +
                                                       "' without a number of bits stands twice");
                continue;
            }
            open.push_back(mapping.bits.size());
        }
        left[static_cast<std::size_t>(field->field)] -= field->number.value_or(0);
        mapping.bits.push_back({field->field, field->number.value_or(0)});
    }
    for (const std::size_t entry : open) {
        DramMapping::Bits& bits = mapping.bits[entry];
        std::int64_t& rest = left[static_cast<std::size_t>(bits.field)];
        bits.count = std::max<std::int64_t>(rest, 0);
        rest -= bits.count;
    }
    if (reader.has("mapping") && reader.optional_items("mapping").empty()) {
        reader.misfit("mapping", "'row' first, then the fields below it");
    }
    read_hashes(reader, dram, mapping);
    if (reader.faults().faults().size() > faults_before) {
        return default_mapping(dram);
    }
    if (mapping.bits.empty()) {
        mapping.bits = default_mapping(dram).bits;
    }
    check_bits(reader, mapping, dram);
    return mapping;
}

std::vector<std::string> mapping_words(const DramMapping& mapping) {
    std::vector<std::string> words;
    for (const DramMapping::Bits& bits : mapping.bits) {
        const std::string& field = field_names()[static_cast<std::size_t>(bits.field)];
        const bool row = bits.field == DramField::row;
        words.push_back(row ? field : field + ":" + std::to_string(bits.count));
    }
    return words;
}

std::vector<std::string> mapping_xor_words(const DramMapping& mapping) {
    std::vector<std::string> words;
    for (const DramMapping::Hash& hash : mapping.hashes) {
        words.push_back(field_names()[static_cast<std::size_t>(hash.field)] + " " +
                        field_names()[static_cast<std::size_t>(hash.with)] + ":" +
                        std::to_string(hash.from));
    }
    return words;
}

}  // namespace memwall
