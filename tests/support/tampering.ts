/**
 * What is written into a materialized view's function happens when the view is filled: here, in the next database alone,
 * after its rows have come and before they are compared.
 */
export const tampering = (statements: readonly string[]) => `
  create function tamper() returns integer language plpgsql volatile as $tamper$
    begin
      if current_database() like '%\\_\\_next\\_%' then ${statements.map((one) => `${one};`).join('\n')} end if;
      return 1;
    end $tamper$;
  create materialized view tampers as select public.tamper();`;
