// A certificate authority of a test's own.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace vitrine {

// PEM.
struct TestIdentity {
  std::string certificate;
  std::string key;
};

class TestCa {
 public:
  explicit TestCa(const std::string& name)
      : key_(NewKey()),
        certificate_(NewCertificate(name, key_.get(), -kDay, kDay)) {
    X509_set_issuer_name(certificate_.get(),
                         X509_get_subject_name(certificate_.get()));
    Extend(NID_basic_constraints, "critical,CA:TRUE", certificate_.get());
    Extend(NID_key_usage, "critical,keyCertSign", certificate_.get());
    Sign(certificate_.get());
  }

  std::string certificate() const { return Pem(certificate_.get()); }

  // Of a program at `places`, which holds from and until so many seconds from
  // now.
  TestIdentity Issue(const std::string& name, long from_s = -kDay,
                     long until_s = kDay,
                     const char* places = "DNS:localhost,IP:127.0.0.1") const {
    const Key key = NewKey();
    const Certificate certificate =
        NewCertificate(name, key.get(), from_s, until_s);
    X509_set_issuer_name(certificate.get(),
                         X509_get_subject_name(certificate_.get()));
    Extend(NID_subject_alt_name, places, certificate.get());
    Sign(certificate.get());
    const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                             nullptr);
    return {Pem(certificate.get()), Text(bio.get())};
  }

 private:
  static constexpr long kDay = 24L * 3600;
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

  static Key NewKey() {
    Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    if (key == nullptr) std::abort();
    return key;
  }
  static Certificate NewCertificate(const std::string& name, EVP_PKEY* key,
                                    long from_s, long until_s) {
    static long serial = 0;
    Certificate certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until_s);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
        reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    return certificate;
  }
  static void Extend(int nid, const char* value, X509* certificate) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  void Sign(X509* certificate) const {
    if (X509_sign(certificate, key_.get(), EVP_sha256()) == 0) std::abort();
  }
  static std::string Text(BIO* bio) {
    char* text = nullptr;
    const long length = BIO_get_mem_data(bio, &text);
    return {text, static_cast<size_t>(length)};
  }
  static std::string Pem(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_X509(bio.get(), certificate);
    return Text(bio.get());
  }

  const Key key_;
  const Certificate certificate_;
};

}  // namespace vitrine
