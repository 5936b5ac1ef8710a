# Writes OUT, a C++ source that holds the FILES (with commas) of the folder ROOT.
set(arrays "")
set(entries "")
set(i 0)
string(REPLACE "," ";" FILES "${FILES}")
foreach(name IN LISTS FILES)
  file(READ "${ROOT}/${name}" bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  # A compiler need not take a longer literal; neighbours are one.
  string(REGEX REPLACE "(\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..\\\\x..)" "\\1\"\n    \"" bytes "${bytes}")
  string(APPEND arrays "constexpr char kFile${i}[] =\n    \"${bytes}\";\n")
  string(APPEND entries "      {\"${name}\", {kFile${i}, ${size}}},\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE "${OUT}" "#include \"clients/gallery/site.h\"

namespace vitrine::gallery {
namespace {

${arrays}
}  // namespace

const std::vector<SiteFile>& SiteFiles() {
  static const auto* files = new std::vector<SiteFile>{
${entries}  };
  return *files;
}

}  // namespace vitrine::gallery
")
