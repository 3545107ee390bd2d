// Everything the provider remembers, in one Map. The library's own memory adapter forgets the
// oldest entry after 1000, which a test with many logins would notice.

export function createStore() {
  const entries = new Map(); // "<model>:<id>" -> payload

  const findBy = (model, field, value) => {
    for (const [key, payload] of entries) {
      if (key.startsWith(`${model}:`) && payload[field] === value) return payload;
    }
    return undefined;
  };

  const removeWhere = (predicate) => {
    for (const [key, payload] of entries) {
      if (predicate(key, payload)) entries.delete(key);
    }
  };

  const adapter = (model) => ({
    async upsert(id, payload) {
      entries.set(`${model}:${id}`, { ...payload });
    },
    async find(id) {
      return entries.get(`${model}:${id}`);
    },
    async findByUid(uid) {
      return findBy(model, 'uid', uid);
    },
    async findByUserCode(userCode) {
      return findBy(model, 'userCode', userCode);
    },
    async consume(id) {
      entries.get(`${model}:${id}`).consumed = Math.floor(Date.now() / 1000);
    },
    async destroy(id) {
      entries.delete(`${model}:${id}`);
    },
    async revokeByGrantId(grantId) {
      removeWhere((key, payload) => key.startsWith(`${model}:`) && payload.grantId === grantId);
    },
  });

  return {
    adapter,
    forget: (model) => removeWhere((key) => key.startsWith(`${model}:`)),
  };
}
