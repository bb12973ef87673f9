// What is wrong with a certificate, in words: OpenSSL's verify results (X509_V_ERR_…) as node names them.

const WORDS: Record<string, string> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'ends in a root that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'comes without its issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'has an issuer that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has an issuer that is not trusted here',
  CERT_SIGNATURE_FAILURE: 'has a signature that does not hold',
  CERT_REVOKED: 'is revoked',
  CERT_CHAIN_TOO_LONG: 'has too long a chain',
  INVALID_CA: 'has an issuer that may not issue',
  INVALID_PURPOSE: 'is not for servers',
  HOSTNAME_MISMATCH: 'is for another name',
};

/** `certificate has expired`, or undefined if the error is not about the certificate. `name` is what it should be for. */
export function certificateFault(error: unknown, name: string): string | undefined {
  const { code, cert } = error as {
    code?: string;
    cert?: { subjectaltname?: string; subject?: { CN?: string } };
  };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = cert?.subjectaltname ?? cert?.subject?.CN ?? 'nobody';
    return `certificate is not for «${name}» but for ${names.length <= 200 ? names : `${names.slice(0, 200)}…`}`;
  }
  return code !== undefined && Object.hasOwn(WORDS, code) ? `certificate ${WORDS[code]}` : undefined;
}
