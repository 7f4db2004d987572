const element = /\s*(?:"((?:[^"]|"")*)"|([^\s",][^\s,]*))\s*(?:,|$)/gy;

/**
 * The names that a setting such as search_path lists, as the server takes it apart (varlena.c, SplitIdentifierString):
 * up to the next comma or space anything is a name there, `a;drop` too, and whoever owns a database may have
 * set one. So a list is never put into a statement as it stands. What can't be taken apart is one name.
 *
 * @param fold whether letters without quotes are small ones, as in lists of schemas; not so in lists of files.
 */
export function namesOf(list: string, fold = true): string[] {
  if (list.trim() === '') return [];
  const names: string[] = [];
  let read = '';
  for (const [whole, quoted, bare = ''] of list.matchAll(element)) {
    read += whole;
    const small = fold ? bare.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) : bare;
    names.push(quoted?.replaceAll('""', '"') ?? small);
  }
  return read === list && !read.endsWith(',') ? names : [list];
}
