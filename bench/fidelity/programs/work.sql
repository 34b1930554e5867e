create table part (id integer primary key, name text, size real, note blob);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 6000)
insert into part select i, 'part ' || (i * 7919 % 10007), i / 7.0, zeroblob(i % 300) from n;
create index part_name on part (name);
create index part_size on part (size desc, id);
select count(*), sum(length(note)) from part where name like 'part 1%';
select a.id, b.id from part a join part b on a.name = b.name and a.id < b.id limit 3;
delete from part where id % 3 = 0;
vacuum;
select name, count(*) from part group by substr(name, 1, 7) order by 2 desc limit 5;
